"""Which policy and which model were in force when stays known when the acts that say so go to the cold tier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from compliance.audit.access.parameters import parameters
from compliance.audit.cold.move import move
from compliance.audit.cold.schema import ACTS
from compliance.audit.cold.store import ColdStore
from compliance.audit.heads import LogPlace
from compliance.audit.models import AuditEvent, ColdMonth
from compliance.audit.sequencer import assign, publish
from compliance.audit.storage.partitions import make_ahead
from compliance.policy import in_force
from compliance.policy.facts import active_policies
from tests.compliance.cold.aged import acted_at
from tests.compliance.cold.conftest import KEY
from tests.compliance.cold.test_move import TWO, summer
from tests.conftest import World


@pytest.fixture(name="old")
def _old(world: World, place: LogPlace, cold: ColdStore) -> LogPlace:
    """Acts of last summer that put a pack and a model into force, still in the database."""
    AuditEvent.objects.filter(kind=in_force.KIND).delete()
    make_ahead(now=datetime(2026, 8, 9, tzinfo=UTC), months=1)
    said: dict[str, Any] = {"service": world.service, "before_sha256": "", "by": "release", "why": "the first"}
    acted_at(in_force.KIND, datetime(2026, 7, 5, tzinfo=UTC), {**said, "policy_sha256": active_policies().sha256})
    acted_at("promotion", datetime(2026, 7, 6, tzinfo=UTC), {**said, "model_sha256": "b" * 64})
    assign()
    publish(place, KEY)
    in_force.forget()
    return place


def policies() -> int:
    """How many acts of policy the database has."""
    return AuditEvent.objects.filter(kind=in_force.KIND).count()


def test_the_history_is_the_same_when_it_is_cold(old: LogPlace, cold: ColdStore) -> None:
    before = parameters(withhold=False)["history"]
    assert [each["sha256"] for each in before["policies"]] == [active_policies().sha256]
    assert "b" * 64 in {each["sha256"] for each in before["models"]}
    move(summer(ACTS), place=old, store=cold, **TWO)
    assert parameters(withhold=False)["history"] == before


def test_a_pack_whose_act_is_cold_is_not_put_on_record_again(world: World, old: LogPlace, cold: ColdStore) -> None:
    move(summer(ACTS), place=old, store=cold, **TWO)
    in_force.put_on_record(active_policies(), service=world.service, now=timezone.now())
    assert policies() == 0
    in_force.forget()
    for month in ColdMonth.objects.filter(table="acts"):
        for each in month.files:
            (cold.home / each["name"]).unlink()
    in_force.put_on_record(active_policies(), service=world.service, now=timezone.now())
    act = AuditEvent.objects.get(kind=in_force.KIND)
    assert b"the acts of before cannot be read from the cold tier" in bytes(act.body)
