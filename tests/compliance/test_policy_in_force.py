"""Which policy pack is in force is on record before the first list is planned with it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from compliance.audit.models import AuditEvent, ServeRecord
from compliance.policy import in_force
from compliance.policy.facts import active_policies
from compliance.policy.policy_set import shipped
from compliance.serving.door import NotServed
from tests.acts import latest
from tests.compliance.test_door import serve_on
from tests.conftest import World


def changes() -> int:
    """How many changes of policy are on record."""
    return AuditEvent.objects.filter(kind=in_force.KIND).count()


def test_the_first_list_puts_its_pack_on_record_and_further_ones_add_nothing(world: World) -> None:
    AuditEvent.objects.filter(kind=in_force.KIND).delete()
    serve_on(world.subject("alex"))
    said = latest(in_force.KIND) or {}
    assert (said["policy_sha256"], said["before_sha256"]) == (active_policies().sha256, "")
    serve_on(world.subject("sam"))
    assert changes() == 1


def test_another_pack_is_a_change_with_what_was_before(world: World) -> None:
    serve_on(world.subject("alex"))
    other = shipped("vlop")
    in_force.put_on_record(other, service=world.service, now=timezone.now())
    said = latest(in_force.KIND) or {}
    assert (said["policy_sha256"], said["before_sha256"]) == (other.sha256, active_policies().sha256)


def test_a_pack_that_cannot_be_put_on_record_serves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def full(**_: object) -> None:
        raise OperationalError("no space left")

    AuditEvent.objects.filter(kind=in_force.KIND).delete()
    monkeypatch.setattr(in_force, "note", full)
    with pytest.raises(NotServed):
        serve_on(world.subject("alex"))
    assert not ServeRecord.objects.exists()


def test_each_service_has_its_own(world: World) -> None:
    serve_on(world.subject("alex"))
    before = changes()
    in_force.put_on_record(active_policies(), service="another", now=timezone.now())
    assert changes() == before + 1
    in_force.forget()
    for service in ("another", world.service):
        in_force.put_on_record(active_policies(), service=service, now=timezone.now())
    assert changes() == before + 1
