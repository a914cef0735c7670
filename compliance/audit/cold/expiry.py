"""The end of a month's retention: its files go, by an act of two people that says which leaves went with them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compliance.audit.cold.move import list_files, said_by
from compliance.audit.cold.schema import RECORDS
from compliance.audit.cold.store import ColdStore
from compliance.audit.events import note
from compliance.audit.keys.errors import OrderRefused
from compliance.audit.keys.orders import SCHEDULE, SUBJECT, order
from compliance.audit.models import ColdMonth, ServeKey
from compliance.audit.retention.classes import classes
from compliance.audit.retention.cover import refuse_held


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
    """Delete the files of expired months that are still there; return how many there were. Safe to repeat."""
    months = list(ColdMonth.objects.filter(removed_at=None).exclude(expired_at=None))
    if not months:
        return 0
    list_files(store)  # first no table lists them, then they go
    gone = sum(store.remove(each["name"], each["sha256"]) for month in months for each in month.files)
    ColdMonth.objects.filter(pk__in=[month.pk for month in months]).update(removed_at=timezone.now())
    return gone
