"""`manage.py statements link-creator`: who a creator is gets its statements, and nobody else does (DSA Art. 17(2))."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from compliance.audit.models import AuditEvent
from compliance.statements.models import ActorKind, CreatorAccount, Decision
from compliance.statements.services import actor, decide
from ranking.catalogue.models import Creator, Item
from tests.compliance.statements.conftest import new_decision
from tests.conftest import World


@pytest.fixture(name="decision")
def _decision(world: World) -> Decision:
    """A demotion of a film whose creator nobody is linked to."""
    item = Item.objects.filter(service=world.service).order_by("id")[0]
    item.creator = Creator.objects.create(service=world.service, external_id="studio-9", name="Studio 9")
    item.save()
    return decide(service=world.service, new=new_decision(item.pk, actor(name="account 901", kind=ActorKind.PERSON)))


def said(verb: str, decision: Decision, account: str) -> dict[str, Any]:
    out = StringIO()
    call_command("statements", verb, "--json", creator=decision.item.creator_id, account=account, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def sees(world: World, name: str, decision: Decision) -> bool:
    client = Client()
    client.force_login(world.user(name))
    return client.get(f"/statements/{decision.pk}/").status_code == 200


def test_a_linked_account_gets_the_statements_and_nobody_else_does(world: World, decision: Decision) -> None:
    owner = world.user("alex")
    assert not sees(world, "alex", decision)
    before = AuditEvent.objects.count()
    assert said("link-creator", decision, owner.email.upper())["statements"] == 1
    assert AuditEvent.objects.count() == before + 1
    assert sees(world, "alex", decision)
    assert not sees(world, "sam", decision)
    assert said("link-creator", decision, owner.email)["statements"] == 1  # twice is once
    assert AuditEvent.objects.count() == before + 1


def test_a_link_is_taken_back_on_record(world: World, decision: Decision) -> None:
    owner = world.user("alex")
    said("link-creator", decision, owner.email)
    before = AuditEvent.objects.count()
    assert said("unlink-creator", decision, owner.email)["unlinked"]
    assert AuditEvent.objects.count() == before + 1
    assert not sees(world, "alex", decision)
    assert not said("unlink-creator", decision, owner.email)["unlinked"]


@pytest.mark.parametrize("account", ["nobody@demo.example", ""])
def test_an_address_that_is_nobodys_links_nobody(world: World, decision: Decision, account: str) -> None:
    with pytest.raises(CommandError, match="No active account"):
        said("link-creator", decision, account)
    assert not CreatorAccount.objects.exists()


@pytest.mark.parametrize("number", [0, -1, 10**12, 10**30])
def test_a_creator_who_is_not_there_is_said(world: World, number: int) -> None:
    with pytest.raises(CommandError, match="There is no creator"):
        call_command("statements", "link-creator", creator=number, account=world.user("alex").email)


def test_an_account_that_is_no_person_here_is_not_linked(world: World, decision: Decision) -> None:
    owner = world.user("alex")
    type(owner).objects.filter(pk=owner.pk).update(subject=None)
    with pytest.raises(CommandError, match="No active account"):
        said("link-creator", decision, owner.email)
