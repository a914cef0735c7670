"""Notices come most urgent first and only while they stand; a muted word in a title is noted whatever found it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from ranking.catalogue.models import Essential, Item
from ranking.retrieval.rows import hydrate
from ranking.retrieval.sources import essential

NOW = timezone.now()


def item(number: int, title: str = "A title") -> Item:
    return Item.objects.create(service="shop", external_id=str(number), title=title, published_at=NOW)


def notice(about: Item, **changes: object) -> Essential:
    plain = {
        "item": about,
        "kind": "breaking",
        "starts_at": NOW - timedelta(hours=1),
        "ends_at": NOW + timedelta(hours=1),
        "declared_by": "one",
        "approved_by": "another",
        "reason": "a reason",
    }
    return Essential.objects.create(**{**plain, **changes})


@pytest.mark.django_db
def test_safety_comes_before_news_and_later_before_earlier() -> None:
    old, new, safe, here, there, over, soon, barred = (item(number) for number in range(8))
    notice(old, starts_at=NOW - timedelta(hours=3))
    notice(new)
    notice(new, region="A")
    notice(safe, kind="safety", starts_at=NOW - timedelta(days=2))
    notice(here, region="A", starts_at=NOW - timedelta(hours=2))
    notice(there, region="B")
    notice(over, ends_at=NOW)
    notice(soon, starts_at=NOW + timedelta(seconds=1))
    notice(barred, kind="safety")
    allowed = Item.objects.exclude(id=barred.pk)
    assert essential(allowed, region="A", now=NOW, limit=9) == [safe.pk, new.pk, here.pk, old.pk]
    assert essential(allowed, region="", now=NOW, limit=2) == [safe.pk, new.pk]


@pytest.mark.django_db
def test_the_database_holds_no_notice_of_one_person_or_one_that_ends_before_it_starts() -> None:
    about = item(1)
    for wrong in ({"approved_by": "one"}, {"ends_at": NOW - timedelta(hours=2)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            notice(about, **wrong)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("The WAR of the worlds: war again", ("war",)),
        ("Warden of the north", ()),
        ("C++ after the war", ("c++", "war")),
        ("A quiet title", ()),
    ],
)
def test_muted_words_are_found_as_whole_words(title: str, found: tuple[str, ...]) -> None:
    about = item(1, title)
    (candidate, _), *rest = hydrate({about.pk: "newest"}, region="", keywords=["war", "c++"])
    assert (candidate.muted_words, rest) == (found, [])
    assert hydrate({about.pk: "newest"}, region="")[0][0].muted_words == ()
