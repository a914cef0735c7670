"""Guardians: linked by both sides, graded by tier, seen whenever they look, and gone at majority."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from compliance.audit.models import AuditEvent
from compliance.audit.selectors import document_of
from compliance.limits.setting import set_limit
from compliance.policy.facts import plan_for
from compliance.subjects import guardians, guarding
from compliance.subjects.guardians import GuardianRefused
from compliance.subjects.models import (
    Assurance,
    Consent,
    Control,
    GuardianInvite,
    Guardianship,
    GuardianView,
    Subject,
    Tier,
)
from compliance.subjects.tasks import end_guardianships
from ranking.catalogue.models import Follow
from tests.conftest import World


def person(world: World, tier: Tier, **fields: object) -> Subject:
    return Subject.objects.create(service=world.service, tier=tier, assurance=Assurance.SELF_DECLARED, **fields)


def linked(world: World, tier: Tier = Tier.CHILD, **fields: object) -> Guardianship:
    guardian = person(world, Tier.ADULT)
    Subject.objects.filter(pk=guardian.pk).update(assurance=Assurance.VERIFIED)
    link = Guardianship.objects.create(guardian=guardian, child=person(world, tier, **fields))
    return Guardianship.objects.select_related("guardian", "child").get(pk=link.pk)


def acts(child: Subject) -> list[str]:
    """What is on record under the child's key, oldest first."""
    events = AuditEvent.objects.filter(pseudonym=child.pseudonym).order_by("id")
    return [str(document_of(event)) for event in events]


def test_both_sides_are_needed_to_link(world: World) -> None:
    guardian, child, now = person(world, Tier.ADULT), person(world, Tier.CHILD), timezone.now()
    code = guardians.invite(guardian=guardian, now=now)
    invite = GuardianInvite.objects.get()
    with pytest.raises(GuardianRefused, match="Nobody has answered"):
        guardians.confirm(guardian=guardian, invite_id=invite.pk, now=now)
    guardians.answer(child=child, code=f"{code[:6].lower()} {code[6:]}", now=now)
    assert not Guardianship.objects.filter(child=child).exists()
    guardians.confirm(guardian=guardian, invite_id=invite.pk, now=now)
    assert Guardianship.objects.get(child=child).guardian == guardian
    assert ["answered" in acts(child)[0], "linked" in acts(child)[1]] == [True, True]
    assert not GuardianInvite.objects.exists()


def test_a_code_is_kept_as_a_hash_and_holds_a_day_once_for_one_child(world: World) -> None:
    guardian, child, now = person(world, Tier.ADULT), person(world, Tier.CHILD), timezone.now()
    code = guardians.invite(guardian=guardian, now=now)
    assert code not in str(GuardianInvite.objects.values().get())
    for who, when in [(guardian, now), (child, now + timedelta(hours=24))]:
        with pytest.raises(GuardianRefused):
            guardians.answer(child=who, code=code, now=when)
    with pytest.raises(GuardianRefused, match="mistyped"):
        guardians.answer(child=child, code="2" * 12, now=now)
    guardians.answer(child=child, code=code, now=now)
    with pytest.raises(GuardianRefused, match="answered already"):
        guardians.answer(child=person(world, Tier.TEEN), code=code, now=now)


def test_nobody_else_confirms_or_takes_back_and_either_side_may(world: World) -> None:
    guardian, other, child = person(world, Tier.ADULT), person(world, Tier.ADULT), person(world, Tier.CHILD)
    now = timezone.now()
    invite = guardians.answer(child=child, code=guardians.invite(guardian=guardian, now=now), now=now)
    with pytest.raises(GuardianRefused):
        guardians.confirm(guardian=other, invite_id=invite.pk, now=now)
    assert not guardians.take_back(subject=other, invite_id=invite.pk)
    assert guardians.take_back(subject=child, invite_id=invite.pk)


@pytest.mark.parametrize("tier", [Tier.CHILD, Tier.TEEN, Tier.UNKNOWN])
def test_minors_are_no_guardians_and_adults_have_none(world: World, tier: Tier) -> None:
    now = timezone.now()
    with pytest.raises(GuardianRefused, match="Only adults"):
        guardians.invite(guardian=person(world, tier), now=now)
    code = guardians.invite(guardian=person(world, Tier.ADULT), now=now)
    with pytest.raises(GuardianRefused, match="adults have no guardians"):
        guardians.answer(child=person(world, Tier.ADULT), code=code, now=now)


def test_codes_do_not_pile_up(world: World) -> None:
    guardian, now = person(world, Tier.ADULT), timezone.now()
    for _ in range(guardians.MOST_INVITES):
        guardians.invite(guardian=guardian, now=now)
    with pytest.raises(GuardianRefused, match="wait already"):
        guardians.invite(guardian=guardian, now=now)
    guardians.invite(guardian=guardian, now=now + timedelta(days=1))


@pytest.mark.parametrize(
    ("tier", "agreed", "tools"),
    [
        (Tier.CHILD, False, {"minutes", "limits", "consent", "topics"}),
        (Tier.YOUNG_TEEN, False, {"minutes", "limits", "consent"}),
        (Tier.YOUNG_TEEN, True, {"minutes", "limits", "consent", "topics"}),
        (Tier.TEEN, True, {"minutes", "limits", "consent"}),
        (Tier.UNKNOWN, True, {"minutes", "limits", "consent"}),
        (Tier.ADULT, True, set()),
    ],
)
def test_tools_are_graded_by_tier(world: World, tier: Tier, agreed: bool, tools: set[str]) -> None:
    link = linked(world, tier)
    link.topics_agreed = agreed
    assert set(guarding.tools_of(link)) == tools


def test_the_tools_never_hold_what_nobody_may_see() -> None:
    assert not {"items", "controls", "messages"} & {tool for tools in guarding.TOOLS.values() for tool in tools}


def test_every_look_is_on_record_and_shown_before_anything_is_seen(world: World) -> None:
    link, now = linked(world), timezone.now()
    Follow.objects.create(subject_id=link.child.pk, topic="Comedy")
    assert guarding.look(guardian=link.guardian, link_id=link.pk, what="topics", now=now).topics == ("Comedy",)
    assert guarding.look(guardian=link.guardian, link_id=link.pk, what="minutes", now=now).days == ()
    assert [one.what for one in guarding.looks_at(link.child)] == ["minutes", "topics"]
    assert guarding.looks_of(link) == guarding.looks_at(link.child)
    assert sum("looked_at" in act for act in acts(link.child)) == 2


@pytest.mark.parametrize("what", ["topics", "items", "controls", "messages", "limits", ""])
def test_what_a_16_year_old_does_is_not_looked_at(world: World, what: str) -> None:
    link = linked(world, Tier.TEEN)
    with pytest.raises(GuardianRefused, match="do not see"):
        guarding.look(guardian=link.guardian, link_id=link.pk, what=what, now=timezone.now())
    assert not GuardianView.objects.exists()


def test_others_and_the_child_are_no_guardian(world: World) -> None:
    link, other = linked(world), linked(world)
    for who in (link.child, other.guardian, other.child, person(world, Tier.ADULT)):
        with pytest.raises(Guardianship.DoesNotExist):
            guarding.look(guardian=who, link_id=link.pk, what="minutes", now=timezone.now())
        with pytest.raises(Guardianship.DoesNotExist):
            guarding.limit_child(guardian=who, link_id=link.pk, target="daily_minutes", value="5")
        with pytest.raises(Guardianship.DoesNotExist):
            guardians.decide_for(guardian=who, link_id=link.pk, granted=True)
    for who in (other.guardian, other.child, person(world, Tier.ADULT)):
        with pytest.raises(Guardianship.DoesNotExist):
            guardians.unlink(subject=who, link_id=link.pk)
    assert not Control.objects.filter(by_guardian=True).exists()


def test_a_childs_looser_limit_changes_nothing(world: World) -> None:
    link = linked(world)
    guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value="30")
    set_limit(subject=link.child, target="daily_minutes", value="300")
    assert plan_for(link.child, "home").daily_minutes == 30
    guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value="")
    assert plan_for(link.child, "home").daily_minutes == 300


def test_each_guardian_has_limits_of_their_own_which_go_with_their_link_alone(world: World) -> None:
    first = linked(world)
    second = Guardianship.objects.create(guardian=person(world, Tier.ADULT), child=first.child)
    for link, value in ((first, "20"), (second, "30")):
        guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value=value)
    assert guarding.limits_set_by(second.guardian, first.child) == {"daily_minutes": "30"}
    assert guarding.limits_by_guardians(first.child) == [("daily_minutes", "20"), ("daily_minutes", "30")]
    guardians.unlink(subject=first.guardian, link_id=first.pk)
    assert plan_for(first.child, "home").daily_minutes == 30
    guardians.unlink(subject=second.guardian, link_id=second.pk)
    assert not Control.objects.filter(subject=first.child).exists()


def test_parental_consent_binds_the_next_plan_and_ends_with_the_next_word(world: World) -> None:
    link = linked(world, Tier.TEEN, jurisdiction="US-CA")
    assert plan_for(link.child, "home").daily_minutes == 60
    guardians.decide_for(guardian=link.guardian, link_id=link.pk, granted=True)
    assert plan_for(link.child, "home").daily_minutes > 60
    guardians.decide_for(guardian=link.guardian, link_id=link.pk, granted=False)
    assert plan_for(link.child, "home").daily_minutes == 60
    assert set(Consent.objects.filter(subject=link.child).values_list("given_by", flat=True)) == {link.guardian.pk}


def test_the_sign_is_for_whoever_a_guardian_is_linked_to_and_nobody_else(world: World) -> None:
    for jurisdiction in ("EU", "US-CA", "UK", "CN", "other"):
        link = linked(world, Tier.TEEN, jurisdiction=jurisdiction)
        assert "monitored_sign" in plan_for(link.child, "home").ui  # without any consent
        guardians.unlink(subject=link.guardian, link_id=link.pk)
        Consent.objects.create(subject=link.child, purpose="parental", granted=True)
        assert "monitored_sign" not in plan_for(link.child, "home").ui  # consent alone watches nobody
    assert "monitored_sign" not in plan_for(linked(world, Tier.ADULT).child, "home").ui


def test_only_a_verified_adult_consents_for_a_child_and_anybody_withdraws(world: World) -> None:
    link = linked(world)
    Subject.objects.filter(pk=link.guardian.pk).update(assurance=Assurance.SELF_DECLARED)
    guardian = Subject.objects.get(pk=link.guardian.pk)
    with pytest.raises(GuardianRefused, match="verifiable"):
        guardians.decide_for(guardian=guardian, link_id=link.pk, granted=True)
    assert not guardians.decide_for(guardian=guardian, link_id=link.pk, granted=False).granted


def test_a_guardian_whose_proof_has_ended_is_verified_no_more(world: World) -> None:
    link = linked(world)
    ended = timezone.now() - timedelta(days=1)
    Subject.objects.filter(pk=link.guardian.pk).update(tier_valid_until=ended)
    guardian = Subject.objects.get(pk=link.guardian.pk)
    with pytest.raises(GuardianRefused, match="Only adults"):
        guardians.decide_for(guardian=guardian, link_id=link.pk, granted=True)
    with pytest.raises(GuardianRefused, match="Only adults"):
        guarding.look(guardian=guardian, link_id=link.pk, what="minutes", now=timezone.now())
    assert not guardians.decide_for(guardian=guardian, link_id=link.pk, granted=False).granted


def test_from_16_a_child_ends_the_link_and_all_that_came_with_it(world: World) -> None:
    link = linked(world, Tier.YOUNG_TEEN, jurisdiction="US-CA")
    guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value="30")
    guardians.decide_for(guardian=link.guardian, link_id=link.pk, granted=True)
    with pytest.raises(GuardianRefused, match="Under 16"):
        guardians.unlink(subject=link.child, link_id=link.pk)
    Subject.objects.filter(pk=link.child.pk).update(tier=Tier.TEEN)
    child = Subject.objects.get(pk=link.child.pk)
    guardians.unlink(subject=child, link_id=link.pk)
    assert not Guardianship.objects.filter(child=child).exists()
    assert plan_for(child, "home").daily_minutes == 60  # California's own, neither consent nor limit
    assert "unlinked" in "".join(acts(child))


@pytest.mark.parametrize("what", ["subject", "account"])
def test_what_a_guardian_agreed_to_ends_with_their_subject_or_account(world: World, what: str) -> None:
    user, child = world.user("alex"), person(world, Tier.TEEN, jurisdiction="US-CA")
    Subject.objects.filter(pk=user.subject.pk).update(tier=Tier.ADULT, assurance=Assurance.VERIFIED)
    guardian = Subject.objects.get(pk=user.subject.pk)
    link = Guardianship.objects.create(guardian=guardian, child=child)
    guarding.look(guardian=guardian, link_id=link.pk, what="minutes", now=timezone.now())
    guarding.limit_child(guardian=guardian, link_id=link.pk, target="daily_minutes", value="30")
    guardians.decide_for(guardian=guardian, link_id=link.pk, granted=True)
    if what == "subject":
        Subject.objects.filter(pk=guardian.pk).delete()
    else:
        user.delete()
    connection.check_constraints()
    latest = Consent.objects.filter(subject=child).latest("id")
    assert (latest.granted, latest.given_by) == (False, None)
    assert plan_for(child, "home").daily_minutes == 60  # California's own
    assert not Control.objects.filter(subject=child).exists()
    assert not Guardianship.objects.filter(child=child).exists()
    assert "guardian left" in "".join(acts(child))
    assert len(guarding.looks_at(child)) == 1


@transaction.atomic
def tamper(looks: QuerySet[GuardianView], change: str) -> None:
    """Delete or change looks, and let the database look at it as at the end of a transaction."""
    if change == "delete":
        looks.delete()
    else:
        looks.update(**{change: {"what": "topics", "guardian": None}[change]})
    connection.check_constraints()


@pytest.mark.parametrize("change", ["delete", "what", "guardian"])
def test_a_look_is_never_deleted_or_changed(world: World, change: str) -> None:
    link = linked(world)
    guarding.look(guardian=link.guardian, link_id=link.pk, what="minutes", now=timezone.now())
    looks = GuardianView.objects.filter(child=link.child)
    with pytest.raises(DatabaseError, match="A look at an account is never"):
        tamper(looks, change)
    assert looks.get().what == "minutes"
    link.child.delete()
    connection.check_constraints()
    assert not looks.exists()


def test_a_child_reads_every_look(world: World) -> None:
    link, now = linked(world), timezone.now()
    for _ in range(45):
        guarding.look(guardian=link.guardian, link_id=link.pk, what="minutes", now=now)
    pages = [guarding.looks_at(link.child, page=page) for page in range(1, guarding.pages_of_looks(link.child) + 1)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert len({one.pk for page in pages for one in page}) == 45
    assert guarding.pages_of_looks(link.guardian) == 1


def test_at_majority_the_guardians_power_ends_at_once_and_the_link_within_a_day(world: World) -> None:
    link = linked(world, Tier.TEEN)
    guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value="30")
    Subject.objects.filter(pk=link.child.pk).update(tier=Tier.ADULT)
    child = Subject.objects.get(pk=link.child.pk)
    assert plan_for(child, "home").daily_minutes > 30
    with pytest.raises(GuardianRefused, match="an adult by now"):
        guarding.look(guardian=link.guardian, link_id=link.pk, what="minutes", now=timezone.now())
    with pytest.raises(GuardianRefused, match="an adult by now"):
        guarding.limit_child(guardian=link.guardian, link_id=link.pk, target="daily_minutes", value="5")
    assert end_guardianships() >= 1
    assert not Guardianship.objects.filter(child=child).exists()
    assert not Control.objects.filter(subject=child, by_guardian=True).exists()
    assert end_guardianships() == 0


def test_topics_are_the_childs_to_show_and_to_hide_again(world: World) -> None:
    link, now = linked(world, Tier.YOUNG_TEEN), timezone.now()
    with pytest.raises(GuardianRefused):
        guarding.look(guardian=link.guardian, link_id=link.pk, what="topics", now=now)
    guardians.agree_to_topics(child=link.child, link_id=link.pk, agreed=True)
    assert guarding.look(guardian=link.guardian, link_id=link.pk, what="topics", now=now).what == "topics"
    guardians.agree_to_topics(child=link.child, link_id=link.pk, agreed=False)
    with pytest.raises(GuardianRefused):
        guarding.look(guardian=link.guardian, link_id=link.pk, what="topics", now=now)
    with pytest.raises(Guardianship.DoesNotExist):
        guardians.agree_to_topics(child=link.guardian, link_id=link.pk, agreed=True)
