"""Read what the router may know of a subject. The only place where planning touches the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from compliance.assurance.selectors import effective
from compliance.limits.selectors import served_days
from compliance.limits.usage import ServedDay, usage_at
from compliance.policy import router
from compliance.policy.changing.selectors import set_in_force
from compliance.policy.clock import local_day, local_time, within
from compliance.policy.controls import sleep_hours
from compliance.policy.policy_set import PolicySet, shipped
from compliance.policy.types import Control, Plan, RequestFacts, SubjectFacts
from compliance.subjects import selectors
from compliance.subjects.models import Subject, Tier
from compliance.subjects.zones import zones_of
from ranking.serving.scorer import Scorer, live_scorer

WHOLE_DAY = 1440


def active_policies() -> PolicySet:
    """The policy set in force: what this service activated, else what the release brings. Raises PolicyAway."""
    return set_in_force(settings.SERVICE) or shipped(settings.SERVICE_SIZE)


def subject_facts(subject: Subject, surface: str, now: datetime) -> tuple[SubjectFacts, int | None]:
    """Facts about a subject on a surface, and the id of the latest consent decision they rest on.

    What a guardian set ends with childhood, even before the link itself is gone.
    """
    declared = selectors.declared(subject)
    standing = effective(subject, now)
    adult = standing.tier == Tier.ADULT
    facts = SubjectFacts(
        tier=standing.tier,
        assurance=standing.assurance,
        jurisdiction=subject.jurisdiction,
        consent=declared.consent,
        parental_consent=declared.parental_consent,
        chosen_mode=declared.mode_for(surface),
        controls=tuple(
            Control(kind=one.kind, target=one.target, value=one.value)
            for one in declared.controls
            if not (adult and one.by_guardian)
        ),
        hidden_items=declared.hidden_items,
        guarded=declared.guarded and not adult,
    )
    return facts, declared.consent_id


def usable(scorer: Scorer | None, policies: PolicySet) -> Scorer | None:
    """The scorer, if it predicts every head that some objective weighs."""
    if scorer is None or not policies.heads <= set(scorer.heads):
        return None
    return scorer


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A subject who asks for a list, with everything that was read of them: it can be planned at any moment."""

    subject: Subject
    surface: str
    slate_size: int
    read_at: datetime
    scorer: Scorer | None
    facts: SubjectFacts  # without usage, which depends on the moment
    consent_id: int | None
    policies: PolicySet

    @cached_property
    def days(self) -> tuple[ServedDay, ...]:
        """What they were served lately."""
        return served_days(self.subject, self.read_at)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A request's plan and what it was made from."""

    asking: Asking
    scorer: Scorer | None
    facts: SubjectFacts
    consent_id: int | None
    request: RequestFacts
    policies: PolicySet
    plan: Plan

    @property
    def counted(self) -> bool:
        """Whether what is served counts towards a limit as it is served: for minors, and who has a limit."""
        return self.facts.tier != Tier.ADULT or limited(self.plan)


def limited(plan: Plan) -> bool:
    """Whether a plan limits the minutes of a day or of a session."""
    return min(plan.daily_minutes, plan.session_minutes) < WHOLE_DAY


def make_plan(subject: Subject, surface: str, slate_size: int, now: datetime) -> Planned:
    """Plan one request. The time zone is the person's own: no client can name another to move their night."""
    policies = active_policies()
    facts, consent_id = subject_facts(subject, surface, now)
    asking = Asking(
        subject=subject,
        surface=surface,
        slate_size=slate_size,
        read_at=now,
        scorer=usable(live_scorer(), policies),
        facts=facts,
        consent_id=consent_id,
        policies=policies,
    )
    return plan_at(asking, now)


def plan_at(asking: Asking, now: datetime) -> Planned:
    """Plan at a moment. Where two time zones hold, the one whose clock allows less decides."""
    plans = [_plan_in(asking, now, zone) for zone in zones_of(asking.subject, now)]
    return max(plans, key=lambda one: (bool(one.plan.closed), one.plan.push == "forbidden"))


def _plan_in(asking: Asking, now: datetime, zone: str) -> Planned:
    local = local_time(now, zone)
    request = RequestFacts(
        surface=asking.surface,
        slate_size=asking.slate_size,
        ranker_live=asking.scorer is not None,
        day=local.day,
        hours=local.hours,
        school_day=local.school_day,
    )
    facts = asking.facts
    plan = router.plan(asking.policies, facts, request)
    asleep = any(within(local.hour, window) for window in sleep_hours(facts.controls))
    if asleep or limited(plan):
        days = asking.days if limited(plan) else ()
        facts = replace(facts, usage=usage_at(days, now, local_day(now, zone), asleep=asleep))
        plan = router.plan(asking.policies, facts, request)
    return Planned(
        asking=asking,
        scorer=asking.scorer,
        facts=facts,
        consent_id=asking.consent_id,
        request=request,
        policies=asking.policies,
        plan=plan,
    )


def plan_for(subject: Subject, surface: str, slate_size: int = 12) -> Plan:
    """The plan that a request would get now."""
    return make_plan(subject, surface, slate_size, timezone.now()).plan
