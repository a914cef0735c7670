"""Read what the router may know of a subject. The only place where planning touches the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from compliance.policy import router
from compliance.policy.clock import local_time
from compliance.policy.policy_set import PolicySet, shipped
from compliance.policy.types import Control, Plan, RequestFacts, SubjectFacts
from compliance.subjects import selectors
from compliance.subjects.models import Subject
from ranking.serving.scorer import Scorer, live_scorer


def active_policies() -> PolicySet:
    """The policy set in force."""
    return shipped(settings.SERVICE_SIZE)


def subject_facts(subject: Subject, surface: str) -> tuple[SubjectFacts, int | None]:
    """Facts about a subject on a surface, and the id of the latest consent decision they rest on."""
    declared = selectors.declared(subject)
    facts = SubjectFacts(
        tier=subject.tier,
        assurance=subject.assurance,
        jurisdiction=subject.jurisdiction,
        consent=declared.consent,
        parental_consent=declared.parental_consent,
        chosen_mode=declared.mode_for(surface),
        controls=tuple(Control(kind=one.kind, target=one.target, value=one.value) for one in declared.controls),
        hidden_items=declared.hidden_items,
    )
    return facts, declared.consent_id


def usable(scorer: Scorer | None, policies: PolicySet) -> Scorer | None:
    """The scorer, if it predicts every head that some objective weighs."""
    if scorer is None or not policies.heads <= set(scorer.heads):
        return None
    return scorer


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A request's plan and what it was made from."""

    scorer: Scorer | None
    facts: SubjectFacts
    consent_id: int | None
    request: RequestFacts
    policies: PolicySet
    plan: Plan


def make_plan(subject: Subject, surface: str, slate_size: int, now: datetime) -> Planned:
    """Plan one request. The time zone is the person's own: no client can name another to move their night."""
    policies = active_policies()
    scorer = usable(live_scorer(), policies)
    facts, consent_id = subject_facts(subject, surface)
    local = local_time(now, subject.timezone)
    request = RequestFacts(
        surface=surface,
        slate_size=slate_size,
        ranker_live=scorer is not None,
        day=local.day,
        hours=local.hours,
        school_day=local.school_day,
    )
    return Planned(
        scorer=scorer,
        facts=facts,
        consent_id=consent_id,
        request=request,
        policies=policies,
        plan=router.plan(policies, facts, request),
    )


def plan_for(subject: Subject, surface: str, slate_size: int = 12) -> Plan:
    """The plan that a request would get now."""
    return make_plan(subject, surface, slate_size, timezone.now()).plan
