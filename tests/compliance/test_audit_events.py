"""Acts that must be undeniable are on record before they take effect: consents, controls, promotions."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compliance.audit.models import AuditEvent, LogQueue
from compliance.audit.selectors import document_of
from compliance.serving.promotion import promote
from compliance.subjects.models import FeedChoice, Purpose
from compliance.subjects.services import choose_feed, hide_item, set_consent, unhide_item
from ranking.catalogue.models import Item
from ranking.serving.scorer import registry
from tests.conftest import World


def latest() -> dict[str, Any]:
    """The newest event's body, which waits for the log."""
    event = AuditEvent.objects.order_by("-id").first()
    assert event is not None
    assert LogQueue.objects.filter(id=event.id, kind=event.kind).exists()
    document = document_of(event)
    assert document["kind"] == event.kind
    return document


def test_consents_and_controls_are_on_record_with_who_and_what(world: World) -> None:
    sam = world.subject("sam")
    who = {"service": sam.service, "pseudonym": str(sam.pseudonym), "epoch": sam.epoch}
    consent = set_consent(subject=sam, purpose=Purpose.PERSONALISATION, granted=False)
    found = latest()
    assert (found["kind"], found["by"], found["granted"], found["consent_id"]) == ("consent", who, False, consent.pk)
    choose_feed(subject=sam, surface="home", feed_mode="newest")
    assert (latest()["control"], latest()["value"]) == ("feed_mode", "newest")
    item = Item.objects.order_by("id")[0]
    hide_item(subject=sam, item_id=item.id)
    before = AuditEvent.objects.count()
    hide_item(subject=sam, item_id=item.id)  # changes nothing, so there is nothing to record
    assert AuditEvent.objects.count() == before
    unhide_item(subject=sam, item_id=item.id)
    unhide_item(subject=sam, item_id=item.id)
    assert AuditEvent.objects.count() == before + 1
    assert latest()["control"] == "unhide_item"


def test_a_choice_that_is_not_on_record_is_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sam = world.subject("sam")
    choose_feed(subject=sam, surface="home", feed_mode="popular")

    def full(**_: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("compliance.subjects.services.note", full)
    with pytest.raises(OSError, match="no space left"):
        choose_feed(subject=sam, surface="home", feed_mode="newest")
    assert FeedChoice.objects.get(subject=sam, surface="home").feed_mode == "popular"


def test_a_promotion_names_the_model_before_who_and_why(world: World) -> None:
    out = io.StringIO()
    call_command("promote", world.other_model_sha256, why="better on people with few events", by="ada", stdout=out)
    assert registry().live() == world.other_model_sha256
    found = latest()
    assert (found["kind"], found["by"], found["before_sha256"]) == ("promotion", "ada", world.model_sha256)
    assert AuditEvent.objects.filter(kind="promotion_ordered").count() == 1
    assert found["why"] == "better on people with few events"


def test_a_promotion_without_a_reason_or_a_model_is_refused_whole(world: World) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(ValueError, match="by somebody's name and for a reason"):
        promote(service=world.service, sha256=world.other_model_sha256, by="ada", why=" ")
    with pytest.raises(CommandError, match="0" * 12):
        call_command("promote", "0" * 64, why="to see")
    assert AuditEvent.objects.count() == before
    assert registry().live() == world.model_sha256
