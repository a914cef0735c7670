"""What no state of the router may break, each with its law and its row in the table of obligations (docs/law.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from compliance.policy.checking import predicates
from compliance.policy.checking.classes import Where, where
from compliance.policy.checking.predicates import Seen
from compliance.policy.checking.states import UNLISTED, State
from compliance.policy.policy_set import PolicySet
from compliance.policy.types import Plan
from compliance.subjects.values import MINORS

TIERS: Final = (*MINORS, UNLISTED)
MINOR: Final = where(tier=TIERS)
CHILD: Final = where(tier=("child", "unknown", UNLISTED))
ASLEEP: Final = where(tier=TIERS, hours=("22-24", "00-06", UNLISTED))
NOT_AGREED: Final = where(consent=("none", "objected", UNLISTED))
PAUSED: Final = where(paused=("yes",))
NO: Final = ("no",)
IN_CALIFORNIA: Final = ("US-CA", "unknown")
IN_NEW_YORK: Final = ("US-NY", "unknown")
SAFE_APPLIES: Final = date(2027, 1, 25)
CALIFORNIA: Final = where(tier=TIERS, parental_consent=NO, jurisdiction=IN_CALIFORNIA)
NEW_YORK: Final = where(tier=TIERS, parental_consent=NO, jurisdiction=IN_NEW_YORK, since=SAFE_APPLIES)
AT_SCHOOL: Final = where(tier=TIERS, jurisdiction=IN_CALIFORNIA, hours=("08-15", UNLISTED), school_day=("yes",))
OWN_WORD: Final = ("none", "self_declared", UNLISTED)
UNASSURED: Final = (
    where(tier=("adult",), assurance=OWN_WORD, jurisdiction=IN_CALIFORNIA, since=date(2027, 1, 1)),
    where(tier=("adult",), assurance=OWN_WORD, jurisdiction=IN_NEW_YORK, since=SAFE_APPLIES),
)

Broken = Callable[[PolicySet, State, Plan], Seen]


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """What must hold in the states that meet one of some conditions (in all, where there are none)."""

    id: str
    row: str
    law: str
    words: str
    wheres: tuple[Where, ...]
    broken: Broken  # what was seen that must not be


def _must(name: str, row: str, law: str, words: str, broken: Broken, *wheres: Where) -> Invariant:
    return Invariant(id=name, row=row, law=law, words=words, wheres=wheres, broken=broken)


def _seen_elsewhere(_: PolicySet, __: State, ___: Plan) -> Seen:
    """Broken where there is no plan to look at, or two to compare: `check.py` says what it saw."""
    return iter(())


TOTAL: Final = _must("total", "D38", "DSA Art. 38", "every state has a plan", _seen_elsewhere)
UNKNOWN: Final = _must(
    "unknown", "D28, 1E 3", "DSA Art. 28(1); UK AADC 3", "what is unknown is treated the strictest", _seen_elsewhere
)
MINORS_GUIDELINES: Final = "Commission guidelines of 14 July 2025 on minors"
OF_ORDER: Final = (
    _must(
        "minors.objective",
        "M2",
        MINORS_GUIDELINES,
        "no minor's list is ordered for engagement",
        predicates.no_engagement,
        MINOR,
    ),
    _must(
        "minors.watch-time",
        "M2",
        MINORS_GUIDELINES,
        "a minor's watch time is never read",
        predicates.no_watch_time,
        MINOR,
    ),
    _must(
        "minors.nothing-drawn",
        "M5",
        MINORS_GUIDELINES,
        "nothing is drawn at random for minors",
        predicates.nothing_drawn,
        MINOR,
    ),
    _must(
        "minors.addictive-feed",
        "SB 976, NY SAFE",
        "SB 976 § 27001(a); SAFE § 1501",
        "no addictive feed for a minor without a guardian's consent",
        predicates.not_about_the_person,
        CALIFORNIA,
        NEW_YORK,
    ),
    _must(
        "feed.age-assured",
        "SB 976, NY SAFE",
        "SB 976 § 27001(a)(1)(B); SAFE § 1501",
        "no addictive feed on a person's own word for their age",
        predicates.not_about_the_person,
        *UNASSURED,
    ),
    _must(
        "consent.withdrawn",
        "21",
        "GDPR Art. 7(3), 21",
        "without consent, or after an objection, nothing about the person decides",
        predicates.not_about_the_person,
        NOT_AGREED,
    ),
    _must(
        "pause",
        "D27",
        "DSA Art. 27(3)",
        "while personalisation is paused, nothing about the person decides",
        predicates.not_about_the_person,
        PAUSED,
    ),
    _must(
        "non-profiled",
        "D38",
        "DSA Art. 38",
        "every surface has a non-profiled order, and each order has sources",
        predicates.non_profiled_option,
    ),
    _must(
        "choice",
        "D25, D38",
        "DSA Art. 25(1), 38",
        "an order that was chosen and is offered is served",
        predicates.choice_kept,
    ),
    _must("signals", "D27", "DSA Art. 27(3)", "a signal that was switched off is not read", predicates.signals_kept),
    _must("reasons", "D27", "DSA Art. 27(2)", "every field has a reason", predicates.reasoned),
)
OF_LIMITS: Final = (
    _must("limits", "M6", MINORS_GUIDELINES, "a list closes at the limit, and not before", predicates.limits_kept),
    _must(
        "minors.one-hour",
        "SB 976",
        "SB 976 § 27002(b)",
        "an hour a day without a guardian's consent",
        predicates.at_most_an_hour,
        CALIFORNIA,
    ),
    _must("reasons", "D27", "DSA Art. 27(2)", "every field has a reason", predicates.reasoned),
)
OF_THE_REST: Final = (
    _must(
        "minors.ads", "D28", "DSA Art. 28(2)", "no minor reaches profiled adverts", predicates.no_profiled_ads, MINOR
    ),
    _must(
        "consent.ads",
        "21",
        "GDPR Art. 21(2)",
        "without consent, adverts are not profiled",
        predicates.no_profiled_ads,
        NOT_AGREED,
    ),
    _must(
        "minors.autoplay", "M3", MINORS_GUIDELINES, "nothing plays by itself for minors", predicates.no_autoplay, MINOR
    ),
    _must(
        "minors.private", "M3", MINORS_GUIDELINES, "minors are private and keep no streaks", predicates.private, MINOR
    ),
    _must(
        "minors.sleep",
        "M3",
        MINORS_GUIDELINES,
        "nothing is pushed to minors in sleep hours",
        predicates.no_push,
        ASLEEP,
    ),
    _must(
        "minors.school",
        "SB 976",
        "SB 976 § 27002(a)",
        "nothing is pushed to Californian minors at school",
        predicates.no_push,
        AT_SCHOOL,
    ),
    _must(
        "minors.labelled", "M5", MINORS_GUIDELINES, "only labelled items for minors", predicates.only_labelled, MINOR
    ),
    _must(
        "children.labelled",
        "M5",
        MINORS_GUIDELINES,
        "only items for children for children",
        predicates.only_for_children,
        CHILD,
    ),
    _must(
        "minors.logging", "1E 6", "UK AADC 6", "minors' lists are logged in full", predicates.enhanced_logging, MINOR
    ),
    _must("minors.survey", "1E 8", "UK AADC 8", "minors are asked no survey", predicates.not_asked, MINOR),
    _must("reasons", "D27", "DSA Art. 27(2)", "every field has a reason", predicates.reasoned),
)
