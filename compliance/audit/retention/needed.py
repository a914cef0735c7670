"""Which models and dictionaries must stay, because a record that is kept, hot or cold, cannot be replayed without."""

from __future__ import annotations

from django.db import connection

from compliance.audit.models import ColdMonth, ServeRecord


class StillNeeded(Exception):
    """Something cannot be deleted: records need it."""


def needed_models() -> dict[str, str]:
    """SHA-256 of each model that a record of our own was scored with, and which records those are, in words."""
    scored = ServeRecord.objects.filter(source="").values_list("model_sha256", flat=True).distinct()
    needed = {bytes(each).hex(): "records in the database" for each in scored if each is not None}
    for month in ColdMonth.objects.filter(expired_at=None).order_by("period"):
        for sha256 in month.model_hashes:
            needed.setdefault(sha256, str(month))
    return needed


def needed_dictionaries() -> dict[int, str]:
    """Number of each dictionary that stored bytes were compressed with, and where those lie, in words.

    Policy packs, item versions and the blobs of before are not counted: they are of no person, and never deleted.
    """
    needed: dict[int, str] = {}
    for table, column in (("audit_serverecord", "body"), ("audit_auditevent", "body"), ("audit_sealedblob", "content")):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT get_byte({column}, 1) * 256 + get_byte({column}, 2) FROM {table} "  # noqa: S608
                f"WHERE get_byte({column}, 0) = 2"
            )
            needed |= {row[0]: "rows in the database" for row in cursor.fetchall()}
    for month in ColdMonth.objects.filter(expired_at=None).order_by("period"):
        for number in month.dictionaries:
            needed.setdefault(number, str(month))
    return needed


def refuse_needed_model(sha256: str) -> None:
    """Refuse (StillNeeded) to delete a model that a record needs for its replay."""
    if where := needed_models().get(sha256):
        raise StillNeeded(
            f"Model {sha256[:12]} stays: {where} were scored with it and must replay (DESIGN §4). It may go when their "
            "retention has ended."
        )
