"""Cosignatures against the checkpoints that they stand on, and whether there are as many as the policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from compliance.audit.delay import MERGE_DELAY
from compliance.audit.log.note import NoteRefused, open_note
from compliance.audit.models import LogCheckpoint
from compliance.audit.models.witnesses import LogCosignature
from compliance.audit.witnessing.policy import WitnessPolicy
from compliance.audit.witnessing.selectors import cosigners_of, enough_cosigned


def witnesses(policy: WitnessPolicy, now: datetime) -> Iterator[str]:
    """Name cosignatures that do not hold, and a shortfall of them that lasts longer than the merge delay."""
    notes: tuple[int, str | None] = (-1, None)
    for row in LogCosignature.objects.order_by("size").iterator():
        if row.size != notes[0]:
            notes = row.size, LogCheckpoint.objects.filter(size=row.size).values_list("note", flat=True).first()
        if (why := _wrong(row, notes[1], policy)) is not None:
            yield f"the cosignature of {row.witness} on {row.size} leaves: {why}"
    yield from shortfall(policy, now)


def shortfall(policy: WitnessPolicy, now: datetime) -> Iterator[str]:
    """A sentence where the newest checkpoint that is old enough, and every later one, has too few cosignatures."""
    if policy.needed == 0:
        return
    due = LogCheckpoint.objects.filter(made_at__lt=now - MERGE_DELAY).order_by("-size").first()
    if due is None or enough_cosigned(policy, above=due.size - 1) is not None:
        return
    signed = len(cosigners_of(due.size) & policy.keys.keys())
    last = enough_cosigned(policy)
    yield (
        f"checkpoint {due.size} of {due.made_at:%Y-%m-%d %H:%M:%S} is cosigned by {signed} of the {policy.needed} "
        f"witnesses that the policy asks for; {'no checkpoint' if last is None else f'the last of {last} leaves'} is "
        "by enough: ask those who run them, and read what the sequencer logged"
    )


def _wrong(row: LogCosignature, note: str | None, policy: WitnessPolicy) -> str | None:
    """What does not hold of a cosignature; a witness that is not in the settings any more cannot be verified."""
    if note is None:
        return "there is no such checkpoint"
    if not row.line.startswith(f"— {row.witness} ") or not row.line.endswith("\n"):
        return "its line is another's"
    key = policy.keys.get(row.witness)
    if key is None:
        return None
    try:
        open_note(f"{note.rpartition(chr(10) * 2)[0]}\n\n{row.line}", [key])
    except NoteRefused as error:
        return str(error)
    return None
