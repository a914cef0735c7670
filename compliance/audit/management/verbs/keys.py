"""`manage.py audit keys status|rotate|erase`: subjects' keys, and what an operator may do to them with a second one."""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from compliance.audit.keys import services
from compliance.audit.keys.errors import KeyBroken, OrderRefused, RotationRefused, VaultRefused
from compliance.audit.keys.orders import order_of_people
from compliance.audit.keys.selectors import key_status
from compliance.audit.management.verbs.base import COULD_NOT, FAULTS, Talk, Verb
from compliance.subjects.models import Subject
from compliance.subjects.services import begin_anew


class Keys(Verb):
    """What to do is the word after the verb. Two people order: one gives `--by`, the other `--approved-by`."""

    name = "keys"
    help = "say how subjects' keys stand, wrap them anew, or destroy one"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Orders name two people and a reason."""
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("status", help="how many there are, and which erasures wait for a rotation")
        _order(what, "rotate", "wrap all keys under a new key-encryption key, and destroy the old ones")
        erase = _order(what, "erase", "destroy the key of a pseudonym for good: what it sealed stays closed for ever")
        erase.add_argument("--pseudonym", type=UUID, required=True)

    def run(self, talk: Talk, **options: Any) -> int:
        """Exit status 1: an erasure waits longer than was promised, or a key-encryption key is not there."""
        order: dict[str, str] = {name: options[name] for name in ("by", "approved_by", "why") if name in options}
        try:
            if order:
                order_of_people(**order)
            if options["what"] == "rotate":
                return _rotate(talk, order)
            if options["what"] == "erase":
                return _erase(talk, options["pseudonym"], order)
            return _status(talk)
        except (KeyBroken, OrderRefused, RotationRefused, VaultRefused) as error:
            raise CommandError(f"This was not done. {error}", returncode=COULD_NOT) from error


def _order(what: _SubParsersAction[Any], name: str, help_text: str) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser(name, help=help_text)
    parser.add_argument("--by", required=True, help="who orders it")
    parser.add_argument("--approved-by", required=True, help="who else approved it")
    parser.add_argument("--why", required=True, help="in a few words, without anything personal")
    return parser


def _status(talk: Talk) -> int:
    status = key_status()
    late = status.due is not None and status.due < timezone.now()
    talk.say(f"{status.subjects:,} keys, wrapped under kek-{status.current or 0:06d}; {status.erased:,} erased")
    if status.due:
        word = "was due" if late else "is due"
        talk.say(f"{status.waiting:,} erasures wait for a rotation, which {word} by {status.due:%Y-%m-%d %H:%M} UTC")
    for number in status.missing:
        talk.say(f"kek-{number:06d} is not in this process's folder, and wraps keys: restore it or name its folder")
    for number in status.unknown:
        talk.say(f"kek-{number:06d} is known to no row: remove it, unless another database's keys lie in this folder")
    document = asdict(status) | {"due": status.due.isoformat() if status.due else None, "late": late}
    talk.document({"verb": "keys", "what": "status", **document})
    return FAULTS if late or status.missing else 0


def _rotate(talk: Talk, order: dict[str, str]) -> int:
    done = services.rotate(**order, progress=lambda count: talk.progress("keys wrapped anew", count))
    talk.say(f"{done.rewrapped:,} keys wrapped under kek-{done.made:06d}; older ones destroyed: {len(done.destroyed)}")
    talk.document({"verb": "keys", "what": "rotate", **asdict(done)})
    return 0


def _erase(talk: Talk, pseudonym: UUID, order: dict[str, str]) -> int:
    subject = Subject.objects.filter(pseudonym=pseudonym).first()
    if subject is None:
        new = services.erase(pseudonym=pseudonym, **order)
    else:  # who uses the service still goes on under a new pseudonym
        begin_anew(subject=subject, **order)
        new = True
    talk.say("The key is destroyed." if new else "The key was destroyed before; nothing was done.")
    talk.document({"verb": "keys", "what": "erase", "new": new})
    return 0
