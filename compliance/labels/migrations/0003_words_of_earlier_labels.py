"""Give each label that an item already had its row: without one, the next reading would leave the item unlabelled."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import uuid_utils.compat as uuids
from django.db import migrations
from django.utils import timezone

BATCH = 1000
WORDS = {"low", "medium", "high"}
BY, WHY = "migration", "the label that the item had before labels had rows"


def source_of(said: str) -> tuple[str, str]:
    """The source and its name that an item's `label_source` names. One that is unknown is the publisher's own word,
    which no classifier's finding and no moderator has to give way to.
    """
    for source, words in (
        ("genre", "catalogue genre"),
        ("moderator", "moderator"),
        ("certificate", "catalogue certificate"),
    ):
        if said == words or said.startswith(words + " "):
            return source, said[len(words) :].strip()[:40]
    return "certificate", said[:40]


def rows_of(item: Any) -> Iterator[dict[str, Any]]:
    """What the item's label says: the audience, and each category that was found."""
    if item.suitable_from:
        yield {"about": "audience", "value": item.suitable_from}
    for category in item.unsafe:
        yield {"about": category, "value": "unsafe"}


def forwards(apps: Any, schema_editor: Any) -> None:
    """Add the rows, oldest item first; an item that has any row already keeps what it has."""
    Item, Label = apps.get_model("catalogue", "Item"), apps.get_model("labels", "Label")
    at, last = timezone.now(), 0
    while items := list(Item.objects.filter(id__gt=last, labels=None).order_by("id")[:BATCH]):
        last = items[-1].pk
        new = []
        for item in items:
            description = item.facts.get("description")
            text = f"{item.title}\n{description}" if isinstance(description, str) else f"{item.title}\n"
            source, name = source_of(item.label_source)
            confidence = item.label_confidence if item.label_confidence in WORDS else "low"
            new += [
                Label(
                    id=uuids.uuid7(),
                    item_id=item.pk,
                    confidence=confidence,
                    source=source,
                    source_name=name,
                    text_sha256=sha256(text.encode()).hexdigest(),
                    by=BY,
                    why=WHY,
                    at=at,
                    **said,
                )
                for said in rows_of(item)
            ]
        Label.objects.bulk_create(new)


class Migration(migrations.Migration):

    dependencies = [("labels", "0002_append_only")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
