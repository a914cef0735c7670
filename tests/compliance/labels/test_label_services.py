"""Labels are added, superseded and on record in one transaction, and items carry the one that counts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from compliance.audit.models import AuditEvent, LogQueue
from compliance.audit.selectors import document_of
from compliance.labels import selectors, services
from compliance.labels.certificates import UnknownCertificate
from compliance.labels.classifier.registry import active
from compliance.labels.models import Label
from compliance.labels.services import LabelRefused, label_by_moderator, label_from_catalogue, read_all
from compliance.labels.texts import digest_of, text_digest, text_of
from ranking.catalogue.models import Item

pytestmark = pytest.mark.django_db
HOUSE = "labels.example"
HATEFUL = "fuck off you stupid retarded faggot bitch"
_number = itertools.count(1)


def item(title: str = "A walk in the park", **fields: Any) -> Item:
    """A new item."""
    return Item.objects.create(
        service=HOUSE, external_id=f"i{next(_number)}", title=title, published_at=timezone.now(), **fields
    )


def certified(*items: Item, certificate: str = "G") -> int:
    """Say that items have a certificate."""
    given = {one.pk: ("mpaa", certificate) for one in items}
    return label_from_catalogue(service=HOUSE, certificates=given, genres={}, by="import", why="a test")


def effective_of(one: Model) -> tuple[str, str, str, list[str]]:
    """What the item carries now."""
    now = Item.objects.get(pk=one.pk)
    return now.suitable_from, now.label_source, now.label_confidence, now.unsafe


def moderated(one: Item, value: str, about: str = "audience", by: str = "mo") -> int:
    """A moderator's word."""
    return label_by_moderator(service=HOUSE, item_id=one.pk, about=about, value=value, by=by, why="I watched it")


def acts() -> list[dict[str, Any]]:
    """The acts on record about this house's labels, oldest first."""
    found = [document_of(event) for event in AuditEvent.objects.filter(kind=services.KIND).order_by("id")]
    return [each for each in found if each["service"] == HOUSE]


def test_nothing_is_for_minors_before_its_text_was_read() -> None:
    one = item()
    certified(one)
    assert effective_of(one)[0] == ""
    assert read_all(service=HOUSE, budget_s=60) == 1
    assert effective_of(one) == ("child", "catalogue certificate mpaa", "high", [])


def test_a_hateful_title_with_a_certificate_for_children_is_for_adults() -> None:
    one = item(HATEFUL)
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    audience, source, confidence, unsafe = effective_of(one)
    assert (audience, confidence) == ("adult", "medium")
    assert "offensive" in unsafe
    assert source == "classifier clerestory-text"
    assert Label.objects.get(item=one, about="offensive").score == pytest.approx(990, abs=10)


def test_reading_twice_says_nothing_new() -> None:
    one, other = item(), item(HATEFUL)
    certified(one, other)
    assert read_all(service=HOUSE, budget_s=60) == 2
    before = Label.objects.count(), len(acts())
    assert read_all(service=HOUSE, budget_s=60) == 0
    assert certified(one, other) == 0
    assert (Label.objects.count(), len(acts())) == before


def test_a_changed_text_is_read_again_and_its_old_reading_superseded() -> None:
    one = item()
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    Item.objects.filter(pk=one.pk).update(facts={"description": HATEFUL})
    assert read_all(service=HOUSE, budget_s=60) == 1
    assert effective_of(one)[0] == "adult"
    Item.objects.filter(pk=one.pk).update(facts={"description": "A walk in another park"})
    assert read_all(service=HOUSE, budget_s=60) == 1
    assert effective_of(one)[0] == "child"
    said = [label.value for label in selectors.story(one.pk) if label.about == "offensive"]
    assert said == ["clear", "unsafe", "clear"]
    assert Label.objects.filter(item=one, about="offensive", superseded_by=None).count() == 1


@pytest.mark.parametrize(
    "facts", [{}, {"description": "It rains."}, {"description": 7}, {"description": None}, {"a": 1}]
)
def test_the_database_and_the_code_agree_on_a_texts_digest(facts: dict[str, Any]) -> None:
    one = item("Zoë's park \u2019 \u00df", facts=facts)
    assert Item.objects.annotate(found=text_digest()).get(pk=one.pk).found == digest_of(text_of(one.title, facts))


def test_a_text_in_another_script_waits_for_a_person() -> None:
    one = item("Прогулка в парке")
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    assert effective_of(one)[0] == ""
    assert moderated(one, "child") == 1
    assert effective_of(one) == ("child", "moderator", "high", [])


def test_a_moderator_overrides_up_and_down_and_is_on_record_with_the_reason() -> None:
    one = item(HATEFUL)
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    for category in effective_of(one)[3]:
        moderated(one, "clear", about=category)
    assert effective_of(one)[0] == ("" if _suspected(one) else "child")
    moderated(one, "teen")
    assert effective_of(one)[:2] == ("teen", "moderator")
    act = acts()[-1]
    assert (act["by"], act["why"], act["labels"]) == ("mo", "I watched it", 1)
    assert act["said"] == [one.pk, "audience", "teen", "high", "moderator", "", None]
    assert LogQueue.objects.filter(id=act["id"], kind="label").exists()


def _suspected(one: Item) -> bool:
    values = Label.objects.filter(item=one, superseded_by=None, source="classifier").values_list("value", flat=True)
    return "suspect" in values


def test_the_latest_word_of_moderators_counts_and_saying_it_again_adds_nothing() -> None:
    one = item()
    assert moderated(one, "adult") == 1
    assert moderated(one, "child", by="another") == 1
    assert moderated(one, "child") == 0
    assert effective_of(one)[0] == "child"


@pytest.mark.parametrize("change", [{"title": HATEFUL}, {"facts": {"description": HATEFUL}}], ids=["title", "text"])
def test_a_changed_text_is_for_no_minor_before_it_was_read(change: dict[str, Any]) -> None:
    one, other = item(), item("For grown-ups")
    certified(one)
    certified(other, certificate="R")
    read_all(service=HOUSE, budget_s=60)
    Item.objects.filter(pk__in=[one.pk, other.pk]).update(**change)
    assert effective_of(one) == ("", "text changed", "", [])
    assert effective_of(other)[0] == "adult"
    read_all(service=HOUSE, budget_s=60)
    assert effective_of(one)[0] == "adult"


def test_a_text_that_stays_and_facts_that_no_classifier_reads_leave_the_label() -> None:
    one = item()
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    Item.objects.filter(pk=one.pk).update(title=one.title, facts={"dense": {"length": 3}})
    assert effective_of(one)[0] == "child"


def test_a_text_that_is_back_has_its_label_back() -> None:
    one = item()
    certified(one)
    read_all(service=HOUSE, budget_s=60)
    Item.objects.filter(pk=one.pk).update(title=HATEFUL)
    Item.objects.filter(pk=one.pk).update(title="A walk in the park")
    assert effective_of(one)[0] == ""
    assert read_all(service=HOUSE, budget_s=60) == 0
    assert effective_of(one)[0] == "child"


def test_a_changed_text_in_a_house_without_a_classifier_keeps_what_others_said(settings: Any) -> None:
    settings.TEXT_CLASSIFIER = "none"
    one = item()
    certified(one)
    Item.objects.filter(pk=one.pk).update(title="A run in the park")
    assert effective_of(one)[0] == ""
    assert read_all(service=HOUSE, budget_s=60) == 0
    assert effective_of(one)[:2] == ("child", "catalogue certificate mpaa")


def test_a_retitled_item_loses_its_moderators_milder_word() -> None:
    one = item()
    certified(one, certificate="R")
    moderated(one, "child")
    assert effective_of(one)[0] == "child"
    Item.objects.filter(pk=one.pk).update(title="A run in the park")
    read_all(service=HOUSE, budget_s=60)
    assert effective_of(one)[0] == "adult"


@pytest.mark.parametrize(
    ("about", "value", "by"),
    [
        ("audience", "unsafe", "mo"),
        ("hate", "child", "mo"),
        ("hate", "suspect", "mo"),
        ("boring", "unsafe", "mo"),
        ("audience", "child", " "),
        ("audience", "child", "schedule"),
    ],
)
def test_a_label_that_says_nothing_or_that_nobody_stands_for_is_refused(about: str, value: str, by: str) -> None:
    one = item()
    with pytest.raises(LabelRefused):
        moderated(one, value, about=about, by=by)
    assert not Label.objects.filter(item=one).exists()


def test_an_unknown_certificate_or_item_stores_nothing_at_all() -> None:
    one, other = item(), item()
    given = {one.pk: ("mpaa", "G"), other.pk: ("mpaa", "nice")}
    with pytest.raises(UnknownCertificate):
        label_from_catalogue(service=HOUSE, certificates=given, genres={}, by="import", why="a test")
    with pytest.raises(LabelRefused, match="no item"):
        label_from_catalogue(service="elsewhere", certificates={one.pk: ("mpaa", "G")}, genres={}, by="i", why="a test")
    assert not Label.objects.filter(item__in=[one, other]).exists()


def test_what_is_not_on_record_is_not_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    one = item()

    def full(**_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(services, "note", full)
    with pytest.raises(OSError, match="no space left"):
        moderated(one, "adult")
    assert effective_of(one)[0] == ""
    assert not Label.objects.filter(item=one).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM labels_label WHERE item_id = %s",
        "UPDATE labels_label SET value = 'adult' WHERE item_id = %s",
        "UPDATE labels_label SET by = 'nobody' WHERE item_id = %s",
        "UPDATE labels_label SET superseded_by = NULL WHERE item_id = %s",
    ],
)
def test_the_database_refuses_to_change_or_delete_a_label(statement: str) -> None:
    one = item()
    moderated(one, "child")
    with pytest.raises(ProgrammingError, match="never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [one.pk])
    assert effective_of(one)[0] == "child"


def test_without_a_classifier_in_the_house_certificates_count_at_once(settings: Any) -> None:
    settings.TEXT_CLASSIFIER = "none"
    one = item(HATEFUL)
    certified(one)
    assert effective_of(one)[0] == "child"
    assert read_all(service=HOUSE, budget_s=60) == 0


def test_an_operators_own_classifier_is_named_by_its_class(settings: Any) -> None:
    settings.TEXT_CLASSIFIER = "tests.compliance.labels.shouting.Shouting"
    one, other = item("A WALK IN THE PARK"), item("A walk in the park")
    certified(one, other)
    assert read_all(service=HOUSE, budget_s=60) == 2
    assert effective_of(one) == ("adult", "classifier shouting", "medium", ["toxic"])
    assert effective_of(other)[0] == "child"
    settings.TEXT_CLASSIFIER = "no.such.Thing"
    with pytest.raises(Exception, match="CLERESTORY_TEXT_CLASSIFIER"):
        active()


def test_a_moderator_who_says_it_again_of_another_text_says_something_new() -> None:
    one = item("Прогулка")
    assert moderated(one, "child") == 1
    Item.objects.filter(pk=one.pk).update(title="Прогулка 2")
    read_all(service=HOUSE, budget_s=60)
    assert effective_of(one)[0] == ""
    assert moderated(one, "child") == 1
    assert effective_of(one)[0] == "child"


def test_a_new_version_of_a_classifier_reads_again_even_where_it_says_the_same(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TEXT_CLASSIFIER = "tests.compliance.labels.shouting.Shouting"
    one = item()
    certified(one)
    assert read_all(service=HOUSE, budget_s=60) == 1
    monkeypatch.setattr("tests.compliance.labels.shouting.Shouting.sha256", "6" * 64)
    assert read_all(service=HOUSE, budget_s=60) == 1
    assert read_all(service=HOUSE, budget_s=60) == 0
    versions = [label.source_sha256[0] for label in selectors.story(one.pk) if label.about == "toxic"]
    assert versions == ["6", "5"]
    assert effective_of(one)[0] == "child"
