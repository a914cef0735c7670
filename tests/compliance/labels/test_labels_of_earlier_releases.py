"""Items that were labelled before labels had rows keep their label through the upgrade and the first reading."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from compliance.labels.models import Label
from compliance.labels.services import read_all, rewrite_effective
from compliance.labels.texts import digest_of, text_of
from ranking.catalogue.models import Item

pytestmark = pytest.mark.django_db
HOUSE = "earlier.example"
_number = itertools.count(1)


def earlier(suitable_from: str, source: str, confidence: str, **fields: Any) -> Item:
    """An item as an earlier release left it: with its label, and no row that says so."""
    return Item.objects.create(
        service=HOUSE,
        external_id=f"e{next(_number)}",
        title="A walk in the park",
        published_at=timezone.now(),
        suitable_from=suitable_from,
        label_source=source,
        label_confidence=confidence,
        **fields,
    )


def upgrade() -> None:
    """Take the migration back and make it again."""
    MigrationExecutor(connection).migrate([("labels", "0002_append_only")])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def effective_of(item: Item) -> tuple[str, str, str, list[str]]:
    """What the item carries now."""
    now = Item.objects.get(pk=item.pk)
    return now.suitable_from, now.label_source, now.label_confidence, now.unsafe


def test_a_label_from_before_rows_outlives_the_upgrade_and_the_first_reading() -> None:
    labels = [
        ("child", "catalogue genre", "low", []),
        ("young_teen", "catalogue certificate mpaa", "high", []),
        ("teen", "moderator", "high", []),
        ("child", "a list from elsewhere", "medium", []),
        ("adult", "catalogue certificate bbfc", "high", ["violence"]),
    ]
    items = [earlier(*label, unsafe=unsafe) for *label, unsafe in labels]
    nobody = earlier("", "", "", facts={"description": "Flowers."})
    upgrade()
    read_all(service=HOUSE, budget_s=30)
    rewrite_effective(service=HOUSE)
    found = [effective_of(item) for item in items]
    assert [(*label[:1], *label[2:]) for label in found] == [(*label[:1], *label[2:]) for label in labels]
    assert [label[1] for label in found] == [
        "catalogue genre",
        "catalogue certificate mpaa",
        "moderator",
        "catalogue certificate a list from elsewhere",
        "catalogue certificate bbfc",
    ]
    assert effective_of(nobody) == ("", "", "", [])


def test_the_rows_say_where_they_are_from_and_of_which_text() -> None:
    item = earlier("child", "catalogue genre", "", facts={"description": "Flowers."})
    upgrade()
    upgrade()
    row = Label.objects.get(item=item)
    assert (row.about, row.value, row.source, row.source_name, row.confidence, row.by) == (
        "audience",
        "child",
        "genre",
        "",
        "low",
        "migration",
    )
    assert row.text_sha256 == digest_of(text_of(item.title, item.facts))
