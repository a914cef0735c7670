"""Hourly reconciliation: how many decisions a source says it took, against how many are on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.ingest.document import APART_MS, LARGEST
from compliance.audit.ingest.models import IngestClaim, IngestSource
from compliance.audit.ingest.numbers import missing
from compliance.audit.ingest.ranges import Range
from compliance.audit.models import ColdMonth, ServeRecord
from ranking.catalogue.clock import from_ms, to_ms

HOUR_MS: Final = 3_600_000
HOUR: Final = timedelta(hours=1)


class ClaimRefused(ValueError):
    """A claim that is about no whole hour of the past, or about no number."""


@dataclass(frozen=True, kw_only=True)
class Reconciled:
    """One hour of one source. `unexplained` is what it claims and is not on record; below 0: more are than it says."""

    source: str
    hour: datetime
    claimed: int
    on_record: int

    @property
    def unexplained(self) -> int:
        """0 is the aim."""
        return self.claimed - self.on_record


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a source stands now: the hours it claimed, counted anew, and the numbers that have not come."""

    source: str
    hours: tuple[Reconciled, ...]
    gaps: tuple[Range, ...]
    missing: int

    @property
    def unexplained(self) -> int:
        """How many decisions are not accounted for, in whichever way."""
        return sum(abs(hour.unexplained) for hour in self.hours) + self.missing


@transaction.atomic
def reconcile(*, source: str, hour_ms: int, claimed: int, now: datetime) -> Reconciled:
    """Compare a claim with the record, and put the result on record where it is news. Raises ClaimRefused."""
    if hour_ms % HOUR_MS or not 0 <= hour_ms <= to_ms(now) - HOUR_MS:
        raise ClaimRefused("hour_ms is not the first millisecond of an hour (UTC) that is over: claim whole hours.")
    if not 0 <= claimed <= LARGEST:
        raise ClaimRefused("count is not a number of decisions.")
    hour = from_ms(hour_ms)
    found = Reconciled(source=source, hour=hour, claimed=claimed, on_record=counted(source, hour))
    if IngestClaim.objects.filter(source=source, hour=hour, claimed=claimed, on_record=found.on_record).exists():
        return found
    values = {"claimed": claimed, "on_record": found.on_record, "claimed_at": now}
    IngestClaim.objects.update_or_create(source=source, hour=hour, defaults=values)
    what = {"source": source, "hour_ms": hour_ms, "claimed": claimed, "on_record": found.on_record}
    note(kind="reconciliation", happened_at=now, what={**what, "missing": missing(source)[1]})
    return found


def standing(source: str, *, since: datetime) -> Standing:
    """A source's hours from `since` on, counted anew, and its gaps."""
    claims = IngestClaim.objects.filter(source=source, hour__gte=since).order_by("hour")
    found, count = missing(source)
    hours = tuple(
        Reconciled(source=source, hour=claim.hour, claimed=claim.claimed, on_record=counted(source, claim.hour))
        for claim in claims
    )
    return Standing(source=source, hours=hours, gaps=tuple(found), missing=count)


def standings(*, days: int) -> Iterator[Standing]:
    """How every source stands, over so many days."""
    since = timezone.now() - timedelta(days=days)
    for name in IngestSource.objects.order_by("name").values_list("name", flat=True):
        yield standing(name, since=since)


def counted(source: str, hour: datetime) -> int:
    """How many records of a source were served in an hour; their ids, a minute off at most, narrow the search."""
    first = UUID(int=max(0, to_ms(hour) - APART_MS) << 80)
    last = UUID(int=(to_ms(hour + HOUR) + APART_MS + 1) << 80)
    rows = ServeRecord.objects.filter(id__gte=first, id__lt=last, source=source)
    hot = rows.filter(served_at__gte=hour, served_at__lt=hour + HOUR).count()
    if not ColdMonth.objects.filter(table="records", first_id__lt=last, last_id__gte=first):
        return hot
    from compliance.audit.cold.selectors import counts  # DuckDB: only for hours that left the database

    cold = counts(["source"], since=hour, until=hour + HOUR)
    return hot + sum(int(each["records"]) for each in cold if each["source"] == source)
