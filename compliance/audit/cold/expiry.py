"""The end of a month's retention: its files go, by an act of two people that says which leaves went with them."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from compliance.audit.cold.errors import ColdDamaged
from compliance.audit.cold.move import list_files, said_by
from compliance.audit.cold.schema import RECORDS
from compliance.audit.cold.store import ColdStore, is_name
from compliance.audit.cold.verification import acts_say
from compliance.audit.events import note
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.keys.orders import SCHEDULE, SUBJECT, order
from compliance.audit.log.commitment import commit
from compliance.audit.models import ColdMonth, LogEntry, LogQueue, ServeKey
from compliance.audit.retention.classes import classes
from compliance.audit.retention.cover import refuse_held
from compliance.audit.selectors import act_anywhere


class NotBorneOut(ColdDamaged):
    """A row names files to delete that no act on record says so of."""


def expire(month_id: int, *, store: ColdStore, by: str, approved_by: str, why: str) -> None:
    """Put the deletion of a cold month on record, then delete its files. Done before, only what is left is deleted.

    The caller has asked whether it may go (`retention.plan`). Raises Held, OrderRefused, ColdDamaged, OSError.
    """
    if by in (SCHEDULE, SUBJECT):
        raise OrderRefused(f"Deleting what was recorded is an order of two people, not of the {by}: name both.")
    ordered = order(by=by, approved_by=approved_by, why=why)
    with transaction.atomic():
        month = ColdMonth.objects.select_for_update().get(pk=month_id)
        if month.expired_at is None:
            refuse_held(month)
            _refuse_changed(month)
            now = timezone.now()
            what = {
                **ordered,
                "table": month.table,
                "period": month.period.isoformat(),
                "classes_sha256": classes().sha256,
                "law": list(classes().by_name[month.retention].law),
                **said_by(month),
            }
            month.expiry_event = note(kind="retention_expiry", happened_at=now, what=what)
            month.expired_at = now
            month.save(update_fields=["expiry_event", "expired_at"])
            if month.table == RECORDS.name:  # an idempotency key must not outlive the slate that answered it
                ServeKey.objects.filter(record_id__gte=month.first_id, record_id__lte=month.last_id).delete()
    clear(store)


def clear(store: ColdStore) -> int:
    """Delete the files of expired months that are still there; return how many there were. Safe to repeat.

    The rows of one table do not delete a file: acts have to bear them out. Raises NotBorneOut, ColdDamaged, OSError.
    """
    months = list(ColdMonth.objects.filter(removed_at=None).exclude(expired_at=None))
    if not months:
        return 0
    for month in months:
        _refuse_changed(month)
    list_files(store)  # first no table lists them, then they go
    gone = sum(store.remove(each["name"], each["sha256"]) for month in months for each in month.files)
    ColdMonth.objects.filter(pk__in=[month.pk for month in months]).update(removed_at=timezone.now())
    return gone


def _refuse_changed(month: ColdMonth) -> None:
    """Refuse (NotBorneOut) a row that says what its acts do not, or names files that are not its month's."""
    for fault in acts_say(month):
        raise NotBorneOut(f"Nothing of {month} was deleted: {fault}.")
    if strange := [
        each["name"] for each in month.files if not is_name(each["name"], month.table, month.period, month.retention)
    ]:
        raise NotBorneOut(f"Nothing of {month} was deleted: {strange[0]!r} is no file of that month.")
    if month.expiry_event is not None and not _is_committed(month.expiry_event):
        raise NotBorneOut(
            f"Nothing of {month} was deleted: the act {month.expiry_event} is neither in the log nor on its way."
        )


def _is_committed(event_id: UUID) -> bool:
    """Whether the log commits to an act as it is stored, or will: in its queue it is bound for a leaf."""
    act = act_anywhere(event_id)
    if act is None:
        return False
    digest = commit(event_id, bytes(act.salt), bytes(act.body))
    waits = LogQueue.objects.filter(id=event_id, kind=act.kind, digest=digest)  # asked first: it only ever moves on
    return waits.exists() or LogEntry.objects.filter(event_id=event_id, kind=act.kind, digest=digest).exists()
