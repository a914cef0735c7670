"""What `manage.py replay` and `manage.py audit replay` do: replay chosen records, and say which grade held."""

from __future__ import annotations

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from compliance.audit.heads import LogPlace
from compliance.audit.keys.errors import VaultRefused
from compliance.audit.management.verbs.base import COULD_NOT, FAULTS, Talk, Verb
from compliance.audit.models import ServeRecord
from compliance.audit.place import log_place
from compliance.audit.selectors import record_anywhere
from compliance.serving.replay import Replay, Replayer
from compliance.serving.replay.choice import Window, by_ids, drawn, every, latest
from compliance.serving.replay.inventory import missing
from compliance.serving.replay.report import Report


class ReplayVerb(Verb):
    """Exit 0: every record kept the grade that it promised. 1: one did not. 2: it could not be done."""

    name = "replay"
    help = "decide served slates again from their records; say which grade held, and every byte that differs"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which records."""
        parser.add_argument("serve_id", nargs="?", type=UUID, help="the serve id that a slate carries")
        parser.add_argument("--last", type=_at_least_one, metavar="N", help="the latest N records")
        parser.add_argument("--sample", type=_at_least_one, metavar="N", help="N records drawn by --seed")
        parser.add_argument("--seed", metavar="TEXT", help="whoever gives the same one draws the same records")
        parser.add_argument(
            "--since", type=_moment, metavar="TIME", help="no older records: 2026-11-01, or with a time"
        )
        parser.add_argument("--inventory", action="store_true", help="replay nothing: is all there that replays need?")

    def run(self, talk: Talk, **options: Any) -> int:
        """Replay and report."""
        try:
            return _inventory(talk) if options["inventory"] else _replay(talk, **options)
        except VaultRefused as error:
            raise CommandError(f"This could not be done: {error}", returncode=COULD_NOT) from error


def _replay(talk: Talk, **options: Any) -> int:
    total, records = _chosen(**options)
    place = _place(talk)
    replayer, report, began = Replayer(place=place), Report(), time.monotonic()
    for outcome in replayer.replay_all(records):
        report.add(outcome)
        talk.progress("replayed", report.total, total)
        _say(talk, outcome, alone=options["serve_id"] is not None)
    seconds = f"{time.monotonic() - began:.3f}"
    talk.say(report.summary())
    document = {"at": datetime.now(UTC).isoformat(), "signed_tree": place is not None, "seed": options["seed"]}
    talk.document({"verb": "replay", **document, "s": seconds, **report.document()})
    return 0 if report.kept else FAULTS


def _say(talk: Talk, outcome: Replay, *, alone: bool) -> None:
    """A line for a record that was asked for by name, and for each that broke its promise; what differs, by name."""
    if not (alone or not outcome.kept):
        return
    talk.say(f"{outcome.serve_id}: {outcome}")
    if outcome.environment_differs:
        talk.say(f"{outcome.serve_id}: other environment ({', '.join(outcome.environment_differs)})")
    if outcome.only_close:
        talk.say(f"{outcome.serve_id}: scored with {', '.join(outcome.only_close)}, which promises close scores only")
    for difference in outcome.differences:
        talk.say(f"{outcome.serve_id}: {difference}")


def _place(talk: Talk) -> LogPlace | None:
    """The signed log; None, and a line, where nobody has signed one yet."""
    try:
        return log_place()
    except ImproperlyConfigured as error:
        talk.say(f"Whether records are under a signed checkpoint was not looked at. {error}")
        return None


def _inventory(talk: Talk) -> int:
    checked, faults = missing(lambda done: talk.progress("records read", done))
    for fault in faults:
        talk.say(fault)
    talk.say(f"{checked:,} records read, {len(faults):,} things missing that their replays need")
    talk.document({"verb": "replay", "inventory": checked, "missing": faults})
    return FAULTS if faults else 0


def _chosen(
    *, serve_id: UUID | None, last: int | None, sample: int | None, seed: str | None, since: datetime | None, **_: Any
) -> tuple[int | None, Iterator[ServeRecord]]:
    """How many records there are, if that is known, and the records. Raises CommandError."""
    if sum(one is not None for one in (serve_id, last, sample)) > 1 or (since and (serve_id or last)):
        raise CommandError("Name one serve id, or --last N, or --sample N --seed TEXT; --since goes with a sample.")
    if (sample is None) != (seed is None):
        raise CommandError("A sample needs a seed, and a seed a sample: --sample 100 --seed TEXT.")
    window = Window(since=since)
    if serve_id is not None:
        return 1, iter([_record(serve_id)])
    if last is not None:
        return last, latest(last)
    if sample is not None and seed is not None:
        ids = drawn(sample, seed=seed, window=window)
        return len(ids), by_ids(ids)
    if since is not None:
        return window.count(), every(window)
    raise CommandError("Name one serve id, or --last N: for example `manage.py replay --last 1000`.")


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number of records: name 1 or more")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no moment: write it as 2026-11-01 or 2026-11-01T12:00+01:00") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _record(serve_id: UUID) -> ServeRecord:
    found = record_anywhere(serve_id)
    if found is None:
        raise CommandError(f"There is no serve record {serve_id}: copy the id from the list's own page.")
    return found
