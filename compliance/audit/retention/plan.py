"""What may leave PostgreSQL, what may be deleted, and why everything else stays: each in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from compliance.audit.cold import hot_rows
from compliance.audit.cold.partitions import HOT, Partition, partitions
from compliance.audit.cold.schema import ACTS, BLOBS, RECORDS, TABLES
from compliance.audit.events import SERVE
from compliance.audit.models import ColdMonth, LegalHold
from compliance.audit.retention.classes import MOVE, RetentionClass, classes
from compliance.audit.retention.cover import covered, end_of
from compliance.audit.retention.holds import in_force

CLOSED_AFTER: Final = timedelta(days=1)
"""A month is closed a day after its end: clocks differ, and the sequencer may have been away."""

_ORDER: Final = tuple(HOT)
State = Literal["due", "held", "kept"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One partition that may move, or one cold month that may be deleted; or why it does not yet."""

    act: Literal["move", "delete"]
    state: State
    table: str
    period: date
    retention: tuple[str, ...]  # names of classes
    size: int  # bytes that it takes now
    because: str
    unattended: bool  # whether the schedule may do it without two people
    partition: Partition | None = None
    month: int | None = None  # a `ColdMonth`'s key


def plan(today: date) -> list[Step]:
    """Every closed partition and every cold month, the oldest first. Raises ColdDamaged."""
    holds = list(in_force())
    steps = [*_moves(today, holds), *_deletions(today, holds)]
    return sorted(steps, key=lambda step: (step.period, step.act, _ORDER.index(step.table), step.retention))


def _moves(today: date, holds: list[LegalHold]) -> Iterator[Step]:
    records: list[Step] = []
    for name in HOT:  # records before their blobs
        for partition in partitions(TABLES[name]):
            if partition.end is None or partition.end + CLOSED_AFTER > today:
                continue
            step = _move(partition, partition.end, today, holds)
            if partition.table is RECORDS:
                records.append(step)
            if partition.table is BLOBS:
                step = _after_records(step, records)
            yield step


def _after_records(step: Step, records: list[Step]) -> Step:
    """Blobs stay in the database for as long as the records of their month do."""
    for each in records:
        if each.partition is not None and each.state != "due" and each.partition.covers(step.period):
            return replace(step, state=each.state, because=f"{step.table} of {step.period:%Y-%m}: {each.because}")
    return step


def _move(partition: Partition, end: date, today: date, holds: list[LegalHold]) -> Step:
    parts = hot_rows.slices(partition, lambda kind: classes().of(kind).name, SERVE)
    inside = [classes().by_name[part.retention] for part in parts]
    slowest = max(inside or _could_hold(partition), key=lambda each: each.hot_days)
    day = slowest.moves_on(end)
    state: State = "due" if day <= today else "kept"
    because = f"{partition} may leave the database for the cold tier since {day}."
    if state == "kept":
        because = f"{partition} stays in the database until {day}: {slowest.hot_days} days for {slowest.what}."
    if held := covered(holds, partition):
        state, because = "held", held
    return Step(
        act="move",
        state=state,
        table=partition.table.name,
        period=partition.period,
        retention=tuple(each.name for each in inside),
        size=partition.size,
        because=because,
        unattended=all(MOVE in each.unattended for each in inside),
        partition=partition,
    )


def _could_hold(partition: Partition) -> list[RetentionClass]:
    """The classes that rows of an empty partition would be of."""
    return list(classes().by_name.values()) if partition.table is ACTS else [classes().of(SERVE)]


def _deletions(today: date, holds: list[LegalHold]) -> Iterator[Step]:
    for month in ColdMonth.objects.filter(expired_at=None):
        each = classes().by_name[month.retention]
        state, because = _may_expire(month, each, today)
        if held := covered(holds, month):
            state, because = "held", held
        yield Step(
            act="delete",
            state=state,
            table=month.table,
            period=month.period,
            retention=(month.retention,),
            size=sum(file["size"] for file in month.files),
            because=because,
            unattended=False,
            month=month.pk,
        )


def _may_expire(month: ColdMonth, each: RetentionClass, today: date) -> tuple[State, str]:
    day = each.expires_on(end_of(month.period))
    if day is not None and day <= today:
        return "due", f"{month} may be deleted since {day}: {each.keep_days} days have passed ({each.law[0]})."
    if day is not None:
        return "kept", f"{month} is kept until {day}: {each.keep_days} days ({each.law[0]})."
    if each.keep_days == 0:
        return "kept", f"{month} is kept for ever ({each.law[0]})."
    return "kept", f"{month} is kept: nobody has said when its advertisements were last shown ({each.law[0]})."
