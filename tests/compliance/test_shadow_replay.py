"""The daily shadow replay: a share of yesterday's slates, on record, and an alarm when one broke its promise."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from compliance.audit.canonical import exact
from compliance.audit.models import AuditEvent, LogQueue, ServeRecord
from compliance.audit.models.witnesses import LogMeter
from compliance.audit.selectors import document_of
from compliance.serving import tasks
from compliance.serving.replay import shadow
from compliance.serving.replay.shadow import latest_shadow, shadow_replay
from tests.compliance.replayed import committed_anew
from tests.compliance.test_door import serve_on
from tests.conftest import World


@pytest.fixture(name="records")
def _records(world: World) -> list[ServeRecord]:
    """Three records of today, oldest first."""
    for name in ("alex", "sam", "kim"):
        serve_on(world.subject(name))
    return list(ServeRecord.objects.order_by("id"))


def tomorrow() -> datetime:
    """A moment of the day after the records'."""
    return datetime.now(UTC) + timedelta(days=1)


def planted(record: ServeRecord) -> None:
    """Change one score of a record and its commitment: whoever did it holds all keys."""
    document = document_of(record)
    place = next(item for item in document["output"]["items"] if not item["explored"])
    place["blended"] = exact(float.fromhex(place["blended"]) + 0.001)
    committed_anew(record, document)


def test_yesterdays_slates_are_replayed_and_the_outcome_is_on_record(records: list[ServeRecord]) -> None:
    outcome = shadow_replay(now=tomorrow(), budget_s=60)
    assert (outcome.records, outcome.drawn, outcome.replayed, outcome.broken, outcome.failed) == (3, 3, 3, 0, ())
    assert not outcome.alarming
    event = AuditEvent.objects.get(kind="shadow_replay")
    document = document_of(event)
    assert document["grades"] == {"R2": 3}
    assert document["environment"]["cpu_capability"]
    assert document["ms"] >= 0
    assert LogQueue.objects.filter(id=event.id, kind="shadow_replay").exists()
    assert latest_shadow() == outcome


def test_todays_slates_are_left_for_tomorrow(records: list[ServeRecord]) -> None:
    outcome = shadow_replay(now=timezone.now(), budget_s=60)
    assert (outcome.records, outcome.replayed, outcome.alarming) == (0, 0, False)


def test_a_day_is_replayed_once(records: list[ServeRecord]) -> None:
    first = shadow_replay(now=tomorrow(), budget_s=60)
    planted(records[0])
    assert shadow_replay(now=tomorrow(), budget_s=60) == first
    assert AuditEvent.objects.filter(kind="shadow_replay").count() == 1


def test_a_share_is_drawn_by_the_seed_that_is_on_record(
    records: list[ServeRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "AT_LEAST", 1)
    outcome = shadow_replay(now=tomorrow(), budget_s=60)
    assert (outcome.records, outcome.drawn) == (3, 1)
    seed = document_of(AuditEvent.objects.get(kind="shadow_replay"))["seed"]
    assert seed.startswith(f"shadow_replay {outcome.day} ")


def test_a_planted_score_raises_the_alarm(
    records: list[ServeRecord], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planted(records[0])
    monkeypatch.setattr("django.utils.timezone.now", tomorrow)
    with caplog.at_level(logging.ERROR, logger="compliance.serving.tasks"):
        assert tasks.shadow_replay() is False
    assert "1 of 3 replayed records do not keep what they promised" in caplog.text
    assert str(records[0].id) in caplog.text
    outcome = latest_shadow()
    assert outcome is not None
    assert dict(LogMeter.objects.values_list("name", "value")) == {"shadow.replayed": 3, "shadow.broken": 1}
    assert (outcome.broken, outcome.failed, outcome.alarming) == (1, (str(records[0].id),), True)


def test_a_good_day_raises_none(
    records: list[ServeRecord], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", tomorrow)
    with caplog.at_level(logging.ERROR, logger="compliance.serving.tasks"):
        assert tasks.shadow_replay() is True
    assert caplog.text == ""


def test_no_time_is_an_alarm_and_on_record(records: list[ServeRecord]) -> None:
    outcome = shadow_replay(now=tomorrow(), budget_s=-1)
    assert (outcome.drawn, outcome.replayed, outcome.alarming) == (3, 0, True)


def test_less_than_half_of_what_was_drawn_is_an_alarm() -> None:
    numbers: dict[str, Any] = {"day": "2026-11-22", "records": 900, "drawn": 9, "broken": 0, "failed": ()}
    assert [shadow.Shadow(replayed=count, **numbers).alarming for count in (4, 5)] == [True, False]


def test_the_clock_starts_it_and_it_ends_before_the_tasks_limit() -> None:
    schedule: dict[str, Any] = django_settings.CELERY_BEAT_SCHEDULE
    assert schedule["shadow-replay"]["task"] == tasks.shadow_replay.name
    assert tasks.BUDGET_S < django_settings.CELERY_TASK_TIME_LIMIT - 60
