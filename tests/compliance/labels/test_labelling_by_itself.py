"""Items are read without anybody asking: through the outbox, by the schedule, and all of them by command."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.labels import tasks
from compliance.labels.models import Label
from compliance.labels.selectors import awaiting_a_person
from compliance.labels.services import label_by_moderator, label_from_catalogue, rewrite_effective
from host.demo.certificates import CERTIFICATES, certificate
from host.outbox import services as outbox
from ranking.catalogue.models import Item
from ranking.data.catalogue import Film

pytestmark = pytest.mark.django_db
HOUSE = "by-itself.example"


@pytest.fixture(autouse=True)
def _house(settings: Any) -> None:
    settings.SERVICE = HOUSE


def certified(*titles: str) -> list[Item]:
    """New items with a certificate for children that nobody has read."""
    items = Item.objects.bulk_create(
        [
            Item(service=HOUSE, external_id=f"{number}", title=title, published_at=timezone.now())
            for number, title in enumerate(titles)
        ]
    )
    given = {item.pk: ("bbfc", "U") for item in items}
    label_from_catalogue(service=HOUSE, certificates=given, genres={}, by="import", why="a test")
    return items


def audiences() -> dict[str, str]:
    """Every item's audience, by its title."""
    return dict(Item.objects.filter(service=HOUSE).values_list("title", "suitable_from"))


def test_the_outbox_has_new_items_read() -> None:
    certified("A quiet walk", "you stupid bitch")
    entry = outbox.enqueue(task="label_items", key="import 1", arguments={})
    assert audiences() == {"A quiet walk": "", "you stupid bitch": ""}
    assert outbox.run(entry_id=entry.id)
    assert audiences() == {"A quiet walk": "child", "you stupid bitch": "adult"}


def test_the_schedule_finds_what_nobody_announced_in_batches() -> None:
    certified(*["A quiet walk"] * 520)
    assert tasks.label_new_items() == 520
    assert set(audiences().values()) == {"child"}
    assert tasks.label_new_items() == 0


def test_after_a_change_of_classifier_every_label_is_computed_anew(settings: Any) -> None:
    certified("A quiet walk", "you stupid bitch")
    settings.TEXT_CLASSIFIER = "none"
    assert rewrite_effective(service=HOUSE, batch=1) == 2
    assert set(audiences().values()) == {"child"}
    settings.TEXT_CLASSIFIER = ""
    said = io.StringIO()
    call_command("label_items", stdout=said)
    assert said.getvalue() == "2 items read, 0 labels changed; 0 items wait for a moderator.\n"
    assert audiences() == {"A quiet walk": "child", "you stupid bitch": "adult"}
    settings.TEXT_CLASSIFIER = "nobody.at.Home"
    with pytest.raises(CommandError, match="CLERESTORY_TEXT_CLASSIFIER"):
        call_command("label_items")


def test_what_the_classifier_cannot_settle_waits_for_a_person_until_they_looked() -> None:
    certified("A quiet walk", "Прогулка в парке")
    tasks.label_new_items()
    (waiting,) = awaiting_a_person(service=HOUSE)
    assert waiting.title == "Прогулка в парке"
    label_by_moderator(service=HOUSE, item_id=waiting.pk, about="audience", value="child", by="mo", why="I read it")
    assert not awaiting_a_person(service=HOUSE).exists()
    Item.objects.filter(pk=waiting.pk).update(title="Прогулка в другом парке")
    tasks.label_new_items()
    assert awaiting_a_person(service=HOUSE).get() == waiting


def test_the_demos_certificates_are_found_by_title_and_year() -> None:
    film = Film(id="1", title="Toy Story", year=1995, genres=("Animation",), released=None)
    assert certificate(film) == "G"
    assert certificate(Film(id="2", title="Toy Story", year=2995, genres=(), released=None)) == ""
    assert set(CERTIFICATES.values()) == {"G", "PG"}


def test_every_reading_names_the_version_that_read() -> None:
    certified("A quiet walk")
    tasks.label_new_items()
    labels = Label.objects.filter(item__service=HOUSE, source="classifier")
    assert {(one.source_name, len(one.source_sha256), one.by) for one in labels} == {
        ("clerestory-text", 64, "schedule")
    }
    assert all(one.score is not None and 0 <= one.score <= 1000 for one in labels)
