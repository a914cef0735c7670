"""Two people, or two workers, at the same moment: one word after the other, and each text read once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from compliance.audit.models import AuditEvent
from compliance.labels.models import Label
from compliance.labels.services import label_by_classifier, label_by_moderator
from ranking.catalogue.models import Item

pytestmark = pytest.mark.django_db(transaction=True)
HOUSE = "at-once.example"
AT_ONCE = 6


def made(count: int) -> list[Item]:
    """New items."""
    return Item.objects.bulk_create(
        [
            Item(service=HOUSE, external_id=str(one), title=f"Walk {one}", published_at=timezone.now())
            for one in range(count)
        ]
    )


def at_once(work: Callable[[int], int]) -> list[int]:
    """Do it in threads of their own, each with a connection of its own."""

    def alone(number: int) -> int:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(alone, range(AT_ONCE)))


def test_moderators_who_speak_at_once_are_heard_one_after_the_other() -> None:
    (one,) = made(1)
    before = AuditEvent.objects.filter(kind="label").count()

    def speak(number: int) -> int:
        value = ("child", "adult")[number % 2]
        return label_by_moderator(
            service=HOUSE, item_id=one.pk, about="audience", value=value, by=f"mo {number}", why="I watched it"
        )

    new = sum(at_once(speak))
    labels = list(Label.objects.filter(item=one))
    (last,) = [label for label in labels if label.superseded_by is None]
    assert len(labels) == new == AuditEvent.objects.filter(kind="label").count() - before >= 2
    assert {label.superseded_by for label in labels} == {None, *(label.pk for label in labels)} - {_first(labels)}
    assert Item.objects.get(pk=one.pk).suitable_from == last.value


def _first(labels: list[Label]) -> object:
    """The one that superseded nothing."""
    return next(iter({label.pk for label in labels} - {label.superseded_by for label in labels}))


def test_workers_who_read_at_once_read_each_item_once() -> None:
    made(60)
    read = at_once(lambda _: label_by_classifier(service=HOUSE, limit=10))
    assert sum(read) <= 60
    while label_by_classifier(service=HOUSE, limit=10):
        pass
    assert Label.objects.filter(item__service=HOUSE).count() == 60 * 3
    assert not Label.objects.exclude(superseded_by=None).exists()
