"""What no state of the router may break, each with its law and its row in the table of obligations (docs/law.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from compliance.policy.checking import bounds, predicates
from compliance.policy.checking.classes import Where, where
from compliance.policy.checking.predicates import Broken, Seen
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

UNDER_16: Final = where(tier=("child", "young_teen", "unknown", UNLISTED))
YOUNG_TEEN: Final = where(tier=("young_teen",))
TEEN: Final = where(tier=("teen", "unknown", UNLISTED))
BIG: Final = ("platform", "vlop")
IN_EU: Final = ("EU", "unknown")
EU_MINOR: Final = where(tier=TIERS, jurisdiction=IN_EU, size=BIG)
EU_CHILD: Final = where(tier=("child", "unknown", UNLISTED), jurisdiction=IN_EU, size=BIG)
EU_BIG: Final = where(jurisdiction=IN_EU, size=BIG)
EU_VLOP: Final = where(jurisdiction=IN_EU, size=("vlop",))
UK_MINOR: Final = where(tier=TIERS, jurisdiction=("UK", "unknown"))
CHINA: Final = where(jurisdiction=("CN", "unknown"))
WORDS_FOR_MINORS: Final = (
    UK_MINOR,
    where(tier=TIERS, jurisdiction=IN_CALIFORNIA),
    where(tier=("child", "young_teen", "unknown", UNLISTED), jurisdiction=IN_EU, size=BIG),
)


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
DECIDED: Final = _must(
    "decided", "D27", "DSA Art. 27(1)", "a plan says what the rules decided, or a stricter own limit", bounds.as_decided
)
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
        "under-16.not-profiled",
        "M2, 1E 12, COPPA",
        "Commission guidelines on minors; UK AADC 12; 16 CFR 312.5; GDPR Art. 8(1)",
        "nobody under 16 is profiled anywhere, whatever a guardian agreed to",
        predicates.not_about_the_person,
        UNDER_16,
    ),
    _must(
        "minors.default",
        "M3, 1E 12",
        "Commission guidelines on minors; UK AADC 12",
        "a minor's list starts out not profiled, everywhere",
        bounds.starts_non_profiled,
        MINOR,
    ),
    _must(
        "minors.location",
        "M3, 1E 10",
        "Commission guidelines on minors; UK AADC 10",
        "where a minor is decides nothing in the Union and the United Kingdom",
        bounds.no_location,
        EU_MINOR,
        UK_MINOR,
    ),
    _must(
        "weights",
        "D27",
        "DSA Art. 27(1), (2)",
        "every weight is the pack's and not negative, and every list has an end",
        bounds.weights_bounded,
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
    DECIDED,
)
OF_LIMITS: Final = (
    _must(
        "minors.pauses", "M6", MINORS_GUIDELINES, "minors' lists take breaks", bounds.pauses(after=45, rest=5), EU_MINOR
    ),
    _must(
        "children.pauses",
        "M6",
        MINORS_GUIDELINES,
        "children's lists take breaks sooner and for longer",
        bounds.pauses(after=30, rest=10),
        EU_CHILD,
    ),
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
    DECIDED,
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
        "young-teens.labelled",
        "M5",
        MINORS_GUIDELINES,
        "only items for children and young teens under 16",
        bounds.within("child", "young_teen"),
        YOUNG_TEEN,
    ),
    _must(
        "pause.ads",
        "D27",
        "DSA Art. 27(3)",
        "while paused, adverts are not profiled",
        predicates.no_profiled_ads,
        PAUSED,
    ),
    _must(
        "promoted", "D34", "DSA Art. 34(1)", "at most a quarter is promoted", bounds.few_promoted(bounds.MOST_PROMOTED)
    ),
    _must(
        "minors.promoted", "M7", MINORS_GUIDELINES, "at most a tenth is promoted", bounds.few_promoted(0.1), EU_MINOR
    ),
    _must("minors.push", "M3", MINORS_GUIDELINES, "one notification a day for minors", bounds.few_pushes(1), MINOR),
    _must(
        "teens.own-room",
        "1E 11",
        "UK AADC 11",
        "guardians see no topic or item of a teen",
        bounds.hidden("topics", "items"),
        TEEN,
    ),
    _must("young-teens.own-list", "1E 11", "UK AADC 11", "guardians see no item", bounds.hidden("items"), YOUNG_TEEN),
    _must(
        "minors.calm",
        "M3",
        MINORS_GUIDELINES,
        "nothing goes live and no likes are counted for minors in the Union",
        bounds.shows("no_live", "no_like_counts"),
        EU_MINOR,
    ),
    _must(
        "minors.words",
        "M4, 1E 4, CA AADC",
        "Commission guidelines on minors; UK AADC 4; Cal. Civ. Code § 1798.99.31(a)(7)",
        "minors are told in simple words",
        bounds.shows("simple_words"),
        *WORDS_FOR_MINORS,
    ),
    _must(
        "shown",
        "D26, D27",
        "DSA Art. 26(1), 27",
        "adverts are labelled, and the reasons and the switch stand beside each list",
        bounds.shows("ad_labels", "order_switch", "why_link"),
        EU_BIG,
    ),
    _must(
        "shown.non-profiled",
        "D38",
        "DSA Art. 38",
        "the order without profiling is one tap away",
        bounds.shows("non_profiled_switch"),
        EU_VLOP,
    ),
    _must(
        "shown.china",
        "1G 16, 1G 10/17",
        "Algorithm Recommendation Provisions Art. 16, 17",
        "the algorithm is named and can be switched off",
        bounds.shows("ai_notice", "why_link", "order_switch", "non_profiled_switch"),
        CHINA,
    ),
    _must(
        "minors.logging", "1E 6", "UK AADC 6", "minors' lists are logged in full", predicates.enhanced_logging, MINOR
    ),
    _must("minors.survey", "1E 8", "UK AADC 8", "minors are asked no survey", predicates.not_asked, MINOR),
    _must("reasons", "D27", "DSA Art. 27(2)", "every field has a reason", predicates.reasoned),
    DECIDED,
)
