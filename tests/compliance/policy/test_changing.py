"""A policy set is changed by two people, after a dry run and a proof, and every process follows; all is on record."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.models import AuditEvent, ServeRecord
from compliance.audit.selectors import document_of
from compliance.policy import in_force
from compliance.policy.changing import selectors, services
from compliance.policy.changing.services import ChangeRefused
from compliance.policy.facts import active_policies
from compliance.policy.models import PolicyVersion, State
from compliance.policy.policy_set import PolicySet, of_texts, shipped
from compliance.serving.door import NotServed
from tests.acts import latest
from tests.compliance.policy.made_packs import SHIPPED, replaced
from tests.compliance.policy.test_policy_command import folder_of
from tests.compliance.test_door import serve_on
from tests.conftest import World

STRICTER: tuple[str, str, str] = ("baseline", "push_per_day = 5", "push_per_day = 3")


@pytest.fixture(autouse=True)
def _ask_again() -> Iterator[None]:
    """What one test put in force is gone with its transaction."""
    selectors.forget()
    yield
    selectors.forget()


def stricter() -> PolicySet:
    """What ships, with fewer pushes."""
    return replaced(*STRICTER)


def proposed(world: World, policies: PolicySet | None = None) -> int:
    """A version that ada proposes."""
    return int(
        services.propose(service=world.service, policies=policies or stricter(), by="ada", why="fewer pushes").pk
    )


def activated(world: World, policies: PolicySet | None = None) -> int:
    """A version that went all the way."""
    version = proposed(world, policies)
    services.try_out(version)
    services.approve(version, by="ben", nothing_recorded=True)
    services.activate(version, by="ada")
    return version


def by_another_process(version: int, *, service: str) -> None:
    """What another process writes when a version comes into force: this one is told nothing."""
    moved(version, State.APPROVED, State.ACTIVE)
    people = {"by": "ada", "approved_by": "ben", "activated_by": "ben"}
    what = {"service": service, "policy_sha256": stricter().sha256, "before_sha256": ""}
    note(kind=in_force.KIND, happened_at=timezone.now(), what={**what, **people, "why": "fewer pushes"})


def moved(version: int, *states: State) -> None:
    """Set states by SQL alone, without an act on record."""
    for state in states:
        PolicyVersion.objects.filter(pk=version).update(state=state, approved_by="ben")


def unguarded(statement: str, *values: int | bytes) -> None:
    """Run SQL as somebody who may disable triggers."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE policy_policyversion DISABLE TRIGGER policy_version_kept")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE policy_policyversion ENABLE TRIGGER policy_version_kept")
    selectors.forget()


def test_a_version_that_is_marked_as_in_force_and_that_nobody_approved_serves_nothing(world: World) -> None:
    moved(proposed(world), State.APPROVED, State.ACTIVE)
    selectors.forget()
    with pytest.raises(NotServed, match="no act on record says that people approved and activated it"):
        serve_on(world.subject("alex"))
    assert not ServeRecord.objects.exists()


def test_a_set_whose_bytes_were_changed_after_its_approval_serves_nothing(world: World) -> None:
    version = activated(world)
    laxer = replaced("baseline", "push_per_day = 5", "push_per_day = 50").content
    unguarded("UPDATE policy_policyversion SET content = %s WHERE id = %s", laxer, version)
    with pytest.raises(NotServed, match="is not what its address"):
        serve_on(world.subject("alex"))


def test_a_set_that_was_in_force_once_cannot_be_brought_back_without_people(world: World) -> None:
    first = activated(world)
    second = activated(world, shipped("platform"))
    unguarded("UPDATE policy_policyversion SET state = 'retired' WHERE id = %s", second)
    unguarded("UPDATE policy_policyversion SET state = 'active' WHERE id = %s", first)
    with pytest.raises(NotServed, match="no act on record"):
        serve_on(world.subject("alex"))


def test_nobody_claims_that_the_release_brought_a_set_that_it_did_not_bring(world: World) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(in_force.PolicyAway, match="no act on record"):
        in_force.put_on_record(stricter(), service=world.service, now=timezone.now())
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize(
    "change",
    ["content = ''", "sha256 = 'x'", "proposed_by = 'ben'", "service = 'y'", "state = 'active', approved_by = 'ben'"],
)
def test_the_database_keeps_what_was_proposed_and_the_order_of_states(world: World, change: str) -> None:
    version = proposed(world)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE policy_policyversion SET {change} WHERE id = {version}")  # noqa: S608
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version).delete()


def test_a_version_begins_as_a_proposal(world: World) -> None:
    with pytest.raises(IntegrityError, match="begins as a proposal"), transaction.atomic():
        PolicyVersion.objects.create(
            service="another", sha256=stricter().sha256, content=stricter().content, state=State.ACTIVE, why="theirs",
            proposed_by="x", approved_by="y", proposed_at=timezone.now(),
        )  # fmt: skip


def test_a_version_is_in_force_after_two_people_a_dry_run_and_a_proof(world: World) -> None:
    before = active_policies()
    version = activated(world)
    assert active_policies().sha256 == stricter().sha256
    slate = serve_on(world.subject("alex"))
    assert document_of(ServeRecord.objects.get(id=slate.serve_id))["policy_sha256"] == stricter().sha256
    said = latest(in_force.KIND) or {}
    assert (said["policy_sha256"], said["before_sha256"]) == (stricter().sha256, before.sha256)
    assert (said["by"], said["approved_by"], said["activated_by"]) == ("ada", "ben", "ada")
    acts = [
        orjson.loads(bytes(one.body))["act"] for one in AuditEvent.objects.filter(kind=services.KIND).order_by("id")
    ]
    assert acts == ["proposed", "approved"]
    checked: dict[str, Any] = PolicyVersion.objects.get(pk=version).checked or {}
    assert checked["findings"] == []
    assert checked["states"] > 10_000_000_000


@pytest.mark.parametrize("name", ["ada", " ADA ", ""])
def test_nobody_approves_what_they_proposed(world: World, name: str) -> None:
    version = proposed(world)
    services.try_out(version)
    with pytest.raises(ChangeRefused, match="ada proposed this version: have somebody else approve it"):
        services.approve(version, by=name)
    assert PolicyVersion.objects.get(pk=version).state == State.PROPOSED


def test_the_database_keeps_one_persons_approval_out_too(world: World) -> None:
    version = proposed(world)
    with pytest.raises(IntegrityError, match="policy_needs_two_people"), transaction.atomic():
        PolicyVersion.objects.filter(pk=version).update(state=State.APPROVED, approved_by="ada")


def test_nothing_untried_is_approved(world: World) -> None:
    with pytest.raises(ChangeRefused, match="was not tried out"):
        services.approve(proposed(world), by="ben")


def test_nothing_unapproved_comes_into_force(world: World) -> None:
    with pytest.raises(ChangeRefused, match="is proposed"):
        services.activate(proposed(world), by="ada")


def test_what_breaks_an_invariant_is_not_approved_and_the_state_is_named(world: World) -> None:
    version = proposed(world, replaced("baseline", 'ads = "contextual"\nlogging', "logging"))
    services.try_out(version)
    with pytest.raises(ChangeRefused, match=r"breaks minors\.ads .*'tier': "):
        services.approve(version, by="ben", nothing_recorded=True)


def test_a_dry_run_against_another_set_than_the_one_in_force_is_worth_nothing(world: World) -> None:
    late = proposed(world, replaced("baseline", "push_per_day = 5", "push_per_day = 2"))
    services.try_out(late)
    activated(world)
    with pytest.raises(ChangeRefused, match="Another policy set came into force"):
        services.approve(late, by="ben")


def test_the_dry_run_says_what_would_have_changed_and_about_nobody(world: World) -> None:
    alex, sam = world.subject("alex"), world.subject("sam")
    for subject in (alex, sam):
        serve_on(subject)
    mode = 'when = { ranker = ["none"] }'
    policies = replaced(
        "baseline", mode, 'when = { tier = ["adult"], jurisdiction = ["EU"] }'
    )  # adults lose the personalised order
    report = services.try_out(proposed(world, policies))
    assert report["planned"] == report["looked_at"] == 2
    adults = sum(one.tier == "adult" for one in (alex, sam))
    assert report["changed"] == report["by_tier"]["adult"] == adults > 0
    assert report["by_field"]["offered_modes"] == adults
    assert "personalised -> popular" in report["feed_mode"]
    said = json.dumps(report)
    assert str(alex.pseudonym) not in said
    assert str(alex.id) not in said


def test_a_dry_run_of_the_same_rules_changes_nothing(world: World) -> None:
    serve_on(world.subject("alex"))
    report = services.try_out(proposed(world, replaced("eu_dsa", 'version = "2026.11.1"', 'version = "2026.11.2"')))
    assert (report["planned"], report["changed"]) == (1, 0)


def test_a_refused_version_stays_refused(world: World) -> None:
    version = proposed(world)
    services.refuse(version, by="ben", why="not now")
    with pytest.raises(ChangeRefused, match="is refused"):
        services.try_out(version)


def test_what_was_in_force_before_is_retired_and_may_be_proposed_again(world: World) -> None:
    first = activated(world)
    activated(world, shipped("platform"))
    assert PolicyVersion.objects.get(pk=first).state == State.RETIRED
    assert active_policies().sha256 == shipped("platform").sha256
    activated(world)
    assert active_policies().sha256 == stricter().sha256


def test_a_process_that_knew_another_set_follows_within_the_time_stated(world: World) -> None:
    version = proposed(world)
    before = active_policies().sha256
    by_another_process(version, service=world.service)
    began = time.monotonic()
    while active_policies().sha256 == before:
        assert time.monotonic() - began < selectors.FOR_SECONDS + 0.5
        time.sleep(0.05)
    assert active_policies().sha256 == stricter().sha256


def test_a_service_obeys_only_its_own(world: World) -> None:
    theirs = services.propose(service="another", policies=stricter(), by="x", why="theirs")
    by_another_process(theirs.pk, service="another")
    assert active_policies().sha256 == shipped("platform").sha256


def test_without_the_store_of_policy_nothing_is_served(world: World) -> None:
    subject = world.subject("alex")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE policy_policyversion RENAME TO away")
    refused = pytest.raises(NotServed, match="Which rules are in force could not be read, so nothing was served")
    with refused, transaction.atomic():
        serve_on(subject)


def test_the_verbs_lead_the_whole_way(world: World, tmp_path: Path) -> None:
    pack, old, new = STRICTER
    folder = folder_of(tmp_path, **{pack: SHIPPED[pack].replace(old, new)})
    out = StringIO()
    call_command("policy", "propose", "--packs", folder, "--by", "ada", "--why", "fewer pushes", "--json", stdout=out)
    version = str(json.loads(out.getvalue())["version"])
    call_command("policy", "dry-run", version, stdout=StringIO())
    with pytest.raises(CommandError, match="have somebody else approve it"):
        call_command("policy", "approve", version, "--by", "Ada", stdout=StringIO())
    with pytest.raises(CommandError, match="approve with --nothing-recorded"):
        call_command("policy", "approve", version, "--by", "ben", stdout=StringIO())
    call_command("policy", "approve", version, "--by", "ben", "--nothing-recorded", stdout=StringIO())
    activating, shown = StringIO(), StringIO()
    call_command("policy", "activate", version, "--by", "ben", stdout=activating)
    call_command("policy", "show", stdout=shown)
    for printed in (activating, shown):
        assert "WARNING: not what this release brings, which is not in force: baseline differ." in printed.getvalue()
    said = StringIO()
    call_command("policy", "versions", stdout=said)
    assert f"version {version}, {stricter().sha256[:12]}: in force, proposed by ada, approved by ben" in said.getvalue()


def test_a_dry_run_that_planned_nothing_is_no_trial(world: World) -> None:
    version = proposed(world)
    report = services.try_out(version)
    assert report["planned"] == report["looked_at"] == 0
    with pytest.raises(ChangeRefused, match="had no list to look at"):
        services.approve(version, by="ben")
    unplanned = {**report, "looked_at": 3, "left_out": 3}
    PolicyVersion.objects.filter(pk=version).update(dry_run=unplanned)
    with pytest.raises(ChangeRefused, match="could plan none again"):
        services.approve(version, by="ben", nothing_recorded=True)


def test_a_set_for_a_service_of_another_size_is_refused(world: World, settings: Any) -> None:
    with pytest.raises(ChangeRefused, match="for a service of size 'micro', and this service is 'platform'"):
        services.propose(service=world.service, policies=shipped("micro"), by="ada", why="smaller")
    version = proposed(world)
    services.try_out(version)
    settings.SERVICE_SIZE = "vlop"
    with pytest.raises(ChangeRefused, match="for a service of size 'platform'"):
        services.approve(version, by="ben", nothing_recorded=True)


def test_a_set_that_drops_a_rule_of_the_release_says_so(world: World) -> None:
    without = of_texts({name: text for name, text in SHIPPED.items() if name != "us_ccpa"}, size="platform")
    pending = replaced("us_ccpa", 'row = "CCPA"\n', 'row = "CCPA"\nstatus = "pending"\n')
    for policies in (without, pending):
        with pytest.raises(ChangeRefused, match=r"drops 2 rules .* such as us_ccpa\."):
            services.propose(service=world.service, policies=policies, by="ada", why="fewer laws")
    with pytest.raises(ChangeRefused, match="does not name 1 of"):
        services.propose(
            service=world.service, policies=without, by="ada", why="fewer laws", dropping=["us_ccpa.opt-out"]
        )
    services.propose(service=world.service, policies=without, by="ada", why="fewer laws", dropping=["us_ccpa"])
    assert (latest(services.KIND) or {})["dropped"] == "us_ccpa.opt-out, us_ccpa.under-16"
