"""`manage.py statements link-creator`: say whose a creator is, so that they get its statements (DSA Art. 17(2))."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.statements.errors import DecisionRefused
from compliance.statements.models import Delivery
from compliance.statements.services import link_creator, unlink_creator
from compliance.subjects.models import Subject
from ranking.catalogue.models import Creator

Finds = Callable[[str], Subject | None]
MOST_ID: Final = 2**63 - 1


class _OfACreator(Verb):
    """A verb about one creator and one account. The room above finds the account: this one knows no addresses."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, and who."""
        parser.add_argument("--creator", type=int, required=True, help="the creator's number in the catalogue")
        parser.add_argument("--account", required=True, help="the e-mail address that the person signs in with")

    def _named(self, options: dict[str, Any]) -> tuple[Creator, Subject]:
        number = options["creator"]
        creator = Creator.objects.filter(pk=number).first() if 0 < number <= MOST_ID else None
        if creator is None:
            raise CommandError(f"There is no creator {number}: look up its number.", returncode=COULD_NOT)
        find: Finds = import_string(settings.STATEMENTS["subjects"])
        subject = find(options["account"])
        if subject is None:
            raise CommandError(
                "No active account of a person has this address, so nothing was linked: they sign up first.",
                returncode=COULD_NOT,
            )
        return creator, subject


class LinkCreator(_OfACreator):
    """Link them; doing it twice changes nothing."""

    name = "link-creator"
    help = "say whose a creator is: they get its statements, those that were made before too"

    def run(self, talk: Talk, **options: Any) -> int:
        """Link, and say how many statements they have now."""
        creator, subject = self._named(options)
        try:
            link_creator(creator=creator, subject=subject)
        except DecisionRefused as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        theirs = Delivery.objects.filter(subject=subject, statement__creator=creator).count()
        talk.say(f"Creator {creator.pk} is linked to this account, which has {theirs:,} statements about it.")
        talk.document({"verb": self.name, "creator": creator.pk, "statements": theirs})
        return 0


class UnlinkCreator(_OfACreator):
    """Take the link back; what was delivered stays delivered."""

    name = "unlink-creator"
    help = "take a link back: they get no more of its statements and cannot see the earlier ones"

    def run(self, talk: Talk, **options: Any) -> int:
        """Unlink, and say whether there was a link."""
        creator, subject = self._named(options)
        was = unlink_creator(creator=creator, subject=subject)
        talk.say(f"Creator {creator.pk} {'is no longer' if was else 'was not'} linked to this account.")
        talk.document({"verb": self.name, "creator": creator.pk, "unlinked": was})
        return 0
