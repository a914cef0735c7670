"""What the guardian pages show, to the guardian and to the child."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from compliance.assurance.selectors import effective
from compliance.limits.setting import TARGETS
from compliance.policy.facts import make_plan
from compliance.policy.types import Plan
from compliance.subjects import guarding
from compliance.subjects.guardians import LEAVES_ALONE
from compliance.subjects.models import (
    Control,
    ControlKind,
    GuardianInvite,
    Guardianship,
    Purpose,
    Subject,
    Surface,
    Tier,
)
from compliance.subjects.selectors import declared
from host.accounts.models import User

NAMELESS: Final = "somebody without a name here"
TOOL_WORDS: Final = {
    "minutes": "how many minutes lists were open each day",
    "limits": "limits of time",
    "consent": "parental consent",
    "topics": "the topics that are followed",
}


@dataclass(frozen=True, kw_only=True)
class SeenLook:
    """One look, as both sides read it."""

    who: str
    what: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """One limit with its value; empty where there is none."""

    target: str
    words: str
    value: str


@dataclass(frozen=True, kw_only=True)
class OwnLink:
    """A link as either side sees it: the other's name, and what the guardian may use."""

    id: int
    name: str
    tier: str
    tools: tuple[str, ...]
    may_end: bool
    asks_for_topics: bool  # the child is 13 to 15, and says whether topics are shown
    topics_agreed: bool


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An invite: who answered it, if anybody did."""

    id: int
    name: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class GuardiansPage:
    """Everything on a person's own guardian page."""

    minor: bool
    guardians: tuple[OwnLink, ...]
    children: tuple[OwnLink, ...]
    answered: tuple[Waiting, ...]
    invites: tuple[Waiting, ...]
    looks: tuple[SeenLook, ...]
    earlier: int  # the page of looks before these; 0 where there is none
    later: int
    limits: tuple[LimitRow, ...]
    set_for: tuple[LimitRow, ...]  # limits that guardians set for this person
    plan: Plan
    minutes_today: int
    zone: str


@dataclass(frozen=True, kw_only=True)
class ChildPage:
    """What a guardian has of one child, before any look."""

    link: OwnLink
    limits: tuple[LimitRow, ...]
    consented: bool
    looks: tuple[SeenLook, ...]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """The sign on a child's pages: who may look, and who looked last."""

    guardians: tuple[str, ...]
    last: SeenLook | None


def guardians_page(*, subject: Subject, now: datetime, looks_page: int = 1) -> GuardiansPage:
    """Gather links, codes, looks and limits of one person. A page of looks that is not there is the nearest one."""
    links = Guardianship.objects.select_related("guardian", "child").order_by("id")
    guardians, children = list(links.filter(child=subject)), list(links.filter(guardian=subject))
    invites = list(GuardianInvite.objects.filter(guardian=subject, expires_at__gt=now).order_by("id"))
    answered = list(GuardianInvite.objects.filter(child=subject, expires_at__gt=now).order_by("id"))
    pages = guarding.pages_of_looks(subject)
    looks_page = min(max(looks_page, 1), pages)
    looks = guarding.looks_at(subject, page=looks_page)
    names = names_of(
        [link.guardian_id for link in guardians]
        + [link.child_id for link in children]
        + [one.child_id for one in invites if one.child_id]
        + [one.guardian_id for one in answered]
        + [one.guardian_id for one in looks if one.guardian_id]
    )
    planned = make_plan(subject, Surface.HOME, 1, now)
    return GuardiansPage(
        minor=effective(subject, now).tier != Tier.ADULT,
        guardians=tuple(_link(link, names[link.guardian_id], child_side=True) for link in guardians),
        children=tuple(_link(link, names[link.child_id], child_side=False) for link in children),
        answered=tuple(Waiting(id=one.pk, name=names[one.guardian_id], expires_at=one.expires_at) for one in answered),
        invites=tuple(
            Waiting(id=one.pk, name=names[one.child_id] if one.child_id else "", expires_at=one.expires_at)
            for one in invites
        ),
        looks=tuple(
            SeenLook(who=names[one.guardian_id] if one.guardian_id else NAMELESS, what=one.what, at=one.seen_at)
            for one in looks
        ),
        earlier=looks_page + 1 if looks_page < pages else 0,
        later=looks_page - 1,
        limits=_limits(
            dict(
                Control.objects.filter(subject=subject, kind=ControlKind.LIMIT, by_guardian=False).values_list(
                    "target", "value"
                )
            )
        ),
        set_for=tuple(
            LimitRow(target=target, words=TARGETS[target], value=value)
            for target, value in guarding.limits_by_guardians(subject)
        ),
        plan=planned.plan,
        minutes_today=planned.facts.usage.day_minutes,
        zone=subject.timezone,
    )


def child_page(*, guardian: Subject, link_id: int) -> ChildPage:
    """What a guardian has of a child; raises Guardianship.DoesNotExist for everybody else."""
    link = Guardianship.objects.select_related("guardian", "child").get(pk=link_id, guardian=guardian)
    name = names_of([link.child_id])[link.child_id]
    return ChildPage(
        link=_link(link, name, child_side=False),
        limits=_limits(guarding.limits_set_by(link.guardian, link.child)),
        consented=declared(link.child).consents.get(Purpose.PARENTAL, (False, 0))[0],
        looks=tuple(SeenLook(who="You", what=one.what, at=one.seen_at) for one in guarding.looks_of(link)),
    )


def sign_for(subject: Subject) -> Sign | None:
    """The sign that a child is linked to a guardian, and when one last looked; None where nobody is linked."""
    if effective(subject, timezone.now()).tier == Tier.ADULT:
        return None
    ids = list(Guardianship.objects.filter(child=subject).order_by("id").values_list("guardian_id", flat=True))
    if not ids:
        return None
    names, looks = names_of(ids), guarding.looks_at(subject)[:1]
    last = next(
        (
            SeenLook(who=names.get(one.guardian_id, NAMELESS), what=one.what, at=one.seen_at)
            for one in looks
            if one.guardian_id
        ),
        None,
    )
    return Sign(guardians=tuple(names[one] for one in ids), last=last)


def names_of(subject_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The display name of each person; somebody without one stays nameless."""
    ids = list(subject_ids)
    users = User.objects.filter(subject_id__in=ids).values_list("subject_id", "display_name")
    return dict.fromkeys(ids, NAMELESS) | {subject_id: name for subject_id, name in users if name}


def _link(link: Guardianship, name: str, *, child_side: bool) -> OwnLink:
    tier = Tier(effective(link.child, timezone.now()).tier)
    return OwnLink(
        id=link.pk,
        name=name,
        tier=tier.label,
        tools=guarding.tools_of(link),
        may_end=not child_side or tier in LEAVES_ALONE,
        asks_for_topics=child_side and tier == Tier.YOUNG_TEEN,
        topics_agreed=link.topics_agreed,
    )


def _limits(held: dict[str, str]) -> tuple[LimitRow, ...]:
    return tuple(LimitRow(target=target, words=words, value=held.get(target, "")) for target, words in TARGETS.items())
