"""What a guardian may do and see, graded by the child's tier: every look leaves a sign that the child sees (1E-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from compliance.assurance.selectors import effective
from compliance.audit.events import note
from compliance.limits.selectors import day_totals
from compliance.limits.setting import clear_limit, set_limit
from compliance.limits.usage import MINUTE
from compliance.policy.facts import plan_for
from compliance.subjects.guardians import GuardianRefused, link_of
from compliance.subjects.models import (
    Control,
    ControlKind,
    Guardianship,
    GuardianView,
    Subject,
    Surface,
    Tier,
)
from ranking.catalogue.models import Follow

TOOLS: Final[dict[str, tuple[str, ...]]] = {
    Tier.CHILD: ("minutes", "limits", "consent", "topics"),
    Tier.YOUNG_TEEN: ("minutes", "limits", "consent", "topics"),
    Tier.TEEN: ("minutes", "limits", "consent"),
    Tier.UNKNOWN: ("minutes", "limits", "consent"),
    Tier.ADULT: (),
}
"""What a guardian has for each tier. Items, controls and messages are in no list. `consent` shows nothing of the child:
it is the guardian's own decision, which SB 976 and NY SAFE ask for up to 18."""
LOOKS: Final = ("minutes", "topics")
"""Tools that show what the child did or chose."""
DAYS_SHOWN: Final = 7
LOOKS_SHOWN: Final = 20


@dataclass(frozen=True, kw_only=True)
class DayMinutes:
    """One day of a child, in whole minutes."""

    day: date
    minutes: int
    night_minutes: int


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look showed: days or topics, never both."""

    what: str
    days: tuple[DayMinutes, ...] = ()
    topics: tuple[str, ...] = ()


def tools_of(link: Guardianship) -> tuple[str, ...]:
    """What the guardian of a link may use now: by the table, less what the child's plan hides or has not agreed to."""
    child = link.child
    tier = effective(child, timezone.now()).tier
    hidden = set(plan_for(child, Surface.HOME).hidden_from_guardian)
    if tier == Tier.YOUNG_TEEN and not link.topics_agreed:
        hidden.add("topics")
    return tuple(tool for tool in TOOLS.get(tier, ()) if tool not in hidden)


@transaction.atomic
def look(*, guardian: Subject, link_id: int, what: str, now: datetime) -> Look:
    """Look at a child's minutes or topics. The look is on record, and shown to the child, before anything is seen.

    Raises GuardianRefused, Guardianship.DoesNotExist.
    """
    link = _as_guardian(guardian, link_id)
    if what not in LOOKS or what not in tools_of(link):
        raise GuardianRefused(
            f"At your child's age, guardians do not see this ({what[:16]}). What they can use is on the guardian page."
        )
    GuardianView.objects.create(guardian=guardian, child=link.child, what=what, seen_at=now)
    said = {"by": "guardian", "link": link.pk, "looked_at": what}
    note(kind="guardian_view", happened_at=now, what=said, pseudonym=link.child.pseudonym)
    if what == "minutes":
        return Look(what=what, days=_days(link.child, now))
    return Look(what=what, topics=_topics(link.child))


def limit_child(*, guardian: Subject, link_id: int, target: str, value: str) -> None:
    """Set a guardian's limit, or with no value take it back: it binds the child's next list.

    Raises GuardianRefused, LimitRefused, Guardianship.DoesNotExist.
    """
    link = _as_guardian(guardian, link_id)
    if "limits" not in tools_of(link):
        raise GuardianRefused("Your child is an adult by now, and sets limits alone. Nothing was changed.")
    if value:
        set_limit(subject=link.child, target=target, value=value, guardian=guardian)
    else:
        clear_limit(subject=link.child, target=target, guardian=guardian)


def limits_by_guardians(child: Subject) -> list[tuple[str, str]]:
    """Every limit that a guardian set, with what it limits: all of them hold, and the strictest decides."""
    held = Control.objects.filter(subject=child, kind=ControlKind.LIMIT, by_guardian=True)
    return sorted(set(held.values_list("target", "value")))


def limits_set_by(guardian: Subject, child: Subject) -> dict[str, str]:
    """The limits that one guardian set, by what they limit: theirs to change, and nobody else's."""
    held = Control.objects.filter(subject=child, kind=ControlKind.LIMIT, by_guardian=True, set_by=guardian)
    return dict(held.values_list("target", "value"))


def looks_at(child: Subject, *, page: int = 1) -> list[GuardianView]:
    """The looks at a child's account, newest first, twenty a page from 1 on: what the child reads."""
    looks = GuardianView.objects.filter(child=child).order_by("-id")
    return list(looks[(page - 1) * LOOKS_SHOWN : page * LOOKS_SHOWN])


def pages_of_looks(child: Subject) -> int:
    """How many pages the looks at a child's account fill, one at least."""
    return max(-(-GuardianView.objects.filter(child=child).count() // LOOKS_SHOWN), 1)


def looks_of(link: Guardianship) -> list[GuardianView]:
    """The latest looks of one guardian at one child: what that guardian reads."""
    return list(GuardianView.objects.filter(child=link.child, guardian=link.guardian).order_by("-id")[:LOOKS_SHOWN])


def _as_guardian(guardian: Subject, link_id: int) -> Guardianship:
    link = link_of(subject=guardian, link_id=link_id)
    if link.guardian_id != guardian.pk:
        raise Guardianship.DoesNotExist
    if effective(guardian, timezone.now()).tier != Tier.ADULT:
        raise GuardianRefused("Only adults can be guardians: say or prove your age on your account page first.")
    if effective(link.child, timezone.now()).tier == Tier.ADULT:
        raise GuardianRefused("Your child is an adult by now: nothing of theirs is shown or set any more.")
    return link


def _days(child: Subject, now: datetime) -> tuple[DayMinutes, ...]:
    return tuple(
        DayMinutes(day=one.day, minutes=one.served // MINUTE, night_minutes=one.night // MINUTE)
        for one in day_totals(child, most=DAYS_SHOWN, now=now)
    )


def _topics(child: Subject) -> tuple[str, ...]:
    followed = Follow.objects.filter(subject_id=child.pk).exclude(topic="").values_list("topic", flat=True)
    return tuple(sorted(set(followed)))
