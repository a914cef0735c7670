"""`manage.py essential declare | end | list`: what everyone needs, declared by two people and ended by itself."""

from __future__ import annotations

from abc import abstractmethod
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from compliance.audit.keys.errors import OrderRefused
from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.policy.essential import EssentialRefused, declare_essential, end_essential, notices
from ranking.catalogue.models import Essential

HOUR: Final = timedelta(hours=1)
MOST_HOURS: Final = 24 * 366


class _Act(Verb):
    """An act by two people, which may be refused: exit status 2 then."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who orders it, who else approves it, and why."""
        parser.add_argument("--by", required=True, metavar="NAME")
        parser.add_argument("--approved-by", required=True, metavar="NAME", help="somebody else")
        parser.add_argument("--why", required=True, metavar="TEXT")

    def run(self, talk: Talk, **options: Any) -> int:
        """Do it, or say why not."""
        people = {name: options[name] for name in ("by", "approved_by", "why")}
        try:
            notice = self.act(people, timezone.now(), **options)
        except (EssentialRefused, OrderRefused) as error:
            raise CommandError(str(error), returncode=COULD_NOT) from error
        talk.say(_line(notice))
        talk.document(_document(notice))
        return 0

    @abstractmethod
    def act(self, people: dict[str, str], now: datetime, **options: Any) -> Essential:
        """Do it."""


class Declare(_Act):
    """Declare a notice."""

    name = "declare"
    help = "declare an item to be what everyone in a region needs for some hours from now"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, of which kind, where and how long."""
        super().add_arguments(parser)
        parser.add_argument("--item", required=True, type=int, metavar="NUMBER")
        parser.add_argument("--kind", required=True, metavar="KIND", help=f"{' or '.join(Essential.Kind.values)}")
        parser.add_argument("--region", default="", metavar="REGION", help="without it: everywhere")
        parser.add_argument("--hours", required=True, type=float, metavar="HOURS")

    def act(self, people: dict[str, str], now: datetime, **options: Any) -> Essential:
        """Declare it."""
        hours = options["hours"]
        if not 0 < hours <= MOST_HOURS:  # NaN is refused too
            raise EssentialRefused(f"A notice stands for more than 0 and at most {MOST_HOURS} hours: give --hours.")
        return declare_essential(
            service=settings.SERVICE,
            item_id=options["item"],
            kind=options["kind"],
            region=options["region"],
            starts_at=now,
            ends_at=now + hours * HOUR,
            now=now,
            **people,
        )


class End(_Act):
    """End a notice."""

    name = "end"
    help = "end a notice that still stands"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one."""
        super().add_arguments(parser)
        parser.add_argument("notice", type=int)

    def act(self, people: dict[str, str], now: datetime, **options: Any) -> Essential:
        """End it."""
        return end_essential(service=settings.SERVICE, notice_id=options["notice"], now=now, **people)


class Listed(Verb):
    """List notices."""

    name = "list"
    help = "list the notices that stand or are to come; with --all also those that ended"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether all."""
        parser.add_argument("--all", action="store_true", dest="ended")

    def run(self, talk: Talk, **options: Any) -> int:
        """List them, the latest first."""
        found = notices(service=settings.SERVICE, since=None if options["ended"] else timezone.now())
        for notice in found:
            talk.say(_line(notice))
        if not found:
            talk.say("No notice stands.")
        talk.document({"notices": [_document(notice) for notice in found]})
        return 0


def _line(notice: Essential) -> str:
    where = notice.region or "everywhere"
    return (
        f"notice {notice.pk}, {notice.get_kind_display()}: item {notice.item_id}, {where}, from "
        f"{notice.starts_at:%Y-%m-%d %H:%M} to {notice.ends_at:%Y-%m-%d %H:%M} UTC, declared by {notice.declared_by}, "
        f"approved by {notice.approved_by} ({notice.reason})"
    )


def _document(notice: Essential) -> dict[str, Any]:
    return {
        "notice": notice.pk,
        "item": notice.item_id,
        "kind": notice.kind,
        "region": notice.region,
        "starts_at": notice.starts_at.isoformat(),
        "ends_at": notice.ends_at.isoformat(),
        "declared_by": notice.declared_by,
        "approved_by": notice.approved_by,
        "why": notice.reason,
    }
