"""The policy router: facts about a request in, the plan out. Pure, total, and every field names its rule."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from compliance.policy.controls import Wishes, asleep_reason, wishes_of
from compliance.policy.merging import Merged, merge
from compliance.policy.pack import ModeSpec
from compliance.policy.policy_set import PolicySet
from compliance.policy.types import Plan, Reason, RequestFacts, SubjectFacts
from compliance.policy.vocabulary import CLOSED, FEATURES, jurisdiction_of

CHOICE: Final = "choice"
CHOICE_LAW: Final = "DSA Art. 27(3), Art. 38"
CHOICE_WORDS: Final = "You chose this order."
INSTEAD: Final = ("popular", "newest", "topics", "following", "explore")
"""Which order stands in for a default that is not offered, the first that is."""
NOT_ABOUT_FOLLOWS: Final = frozenset(FEATURES) - {"follows"}
MERGED_MOST: Final = 65_536
"""How many different sets of applying rules a process remembers the meaning of."""


class NoOrder(LookupError):
    """Every order that the rules name is forbidden by another rule."""


def plan(policies: PolicySet, subject: SubjectFacts, request: RequestFacts) -> Plan:
    """Decide what one request may use (DSA Art. 25, 27, 28, 38). Unknown values fall to the strictest rule.

    Raises NoOrder where every order is forbidden: nothing can be served then.
    """
    wishes = wishes_of(subject.controls, most_milli=policies.base.control_milli)
    facts = facts_of(policies, subject, request, wishes)
    decided = merged(policies.compiled, policies.compiled.applying(facts, request.day))
    values = decided.values
    offered = tuple(mode for mode in policies.modes if mode not in values["forbid_modes"])
    mode, mode_reason = _mode(subject.chosen_mode, offered, decided)
    spec = policies.modes[mode]
    daily, session, pause, limit_reasons = wishes.limited(
        values["daily_minutes"], values["session_minutes"], values["break_minutes"]
    )
    closed, closed_reasons = _closed(subject, decided, limit_reasons, daily, session, pause)
    explore = min(spec.explore_probability, values["explore_probability"])
    return Plan(
        feed_mode=mode,
        offered_modes=offered,
        order=spec.order,
        sources=_sources(spec, request.surface, wishes, values["forbid_sources"]),
        features=_features(spec, wishes, values["forbid_features"]),
        objective=values["objective"],
        weights=_weights(policies, values) if spec.order == "score" else {},
        adjustments=wishes.adjustments if spec.order == "score" else (),
        audiences=tuple("" if one == "unlabelled" else one for one in values["audiences"]),
        label_confidence=values["label_confidence"],
        hidden_items=subject.hidden_items,
        muted_topics=wishes.muted_topics,
        muted_creators=wishes.muted_creators,
        muted_keywords=wishes.muted_keywords,
        slate_size=min(request.slate_size, policies.base.slate_size),
        pool_size=policies.base.pool_size,
        diversity=spec.diversity,
        explore_probability=explore,
        explore_pool=spec.explore_pool if explore > 0 else 0,
        # Who asks for one topic, or follows one creator, gets what they asked for: only what we choose is mixed.
        max_topic_share=values["max_topic_share"] if spec.order == "score" else 1.0,
        max_creator_share=values["max_creator_share"] if spec.order == "score" else 1.0,
        min_topics=values["min_topics"] if spec.order == "score" else 0,
        max_promoted_share=values["max_promoted_share"],
        new_creator_share=values["new_creator_share"] if spec.order == "score" else 0.0,
        essential_places=values["essential_places"],
        ads=values["ads"],
        ui=values["ui"],
        daily_minutes=daily,
        session_minutes=session,
        break_minutes=pause,
        closed=closed,
        push=values["push"],
        push_per_day=values["push_per_day"],
        logging=values["logging"],
        survey=values["survey"],
        hidden_from_guardian=values["hidden_from_guardian"],
        reasons=(
            mode_reason,
            *decided.reasons,
            *wishes.reasons,
            *limit_reasons,
            *closed_reasons,
        ),
        policy_sha256=policies.sha256,
    )


def facts_of(policies: PolicySet, subject: SubjectFacts, request: RequestFacts, wishes: Wishes) -> dict[str, str]:
    """What the rules may read of a request (`vocabulary.FACTS`)."""
    return {
        "tier": subject.tier,
        "assurance": subject.assurance,
        "jurisdiction": jurisdiction_of(subject.jurisdiction),
        "size": policies.size,
        "consent": subject.consent,
        "parental_consent": "yes" if subject.parental_consent else "no",
        "guarded": "yes" if subject.guarded else "no",
        "paused": "yes" if wishes.paused else "no",
        "surface": request.surface,
        "hours": request.hours,
        "school_day": "yes" if request.school_day else "no",
        "ranker": "live" if request.ranker_live else "none",
    }


merged = lru_cache(maxsize=MERGED_MOST)(merge)
"""`merge`, remembered: most requests meet a set of rules that an earlier one met."""


def _mode(chosen: str, offered: tuple[str, ...], decided: Merged) -> tuple[str, Reason]:
    if chosen in offered:
        return chosen, Reason(field="feed_mode", rule=CHOICE, law=CHOICE_LAW, words=CHOICE_WORDS)
    default: str = decided.values["default_mode"]
    if decided.default is not None and default in offered:
        return default, replace(decided.default, field="feed_mode")
    instead = next((mode for mode in INSTEAD if mode in offered), None)
    if instead is None:
        raise NoOrder("No order is offered: the packs must forbid less, for every list has a non-profiled order.")
    refused = next(reason for reason in decided.reasons if reason.field == f"offered_modes.{default}")
    return instead, replace(refused, field="feed_mode")


def _sources(spec: ModeSpec, surface: str, wishes: Wishes, forbidden: tuple[str, ...]) -> tuple[str, ...]:
    off = wishes.sources_off if spec.order == "score" else ()
    return tuple(source for source in spec.sources[surface] if source not in forbidden and source not in off)


def _features(spec: ModeSpec, wishes: Wishes, forbidden: tuple[str, ...]) -> tuple[str, ...]:
    """What may be read. Whom a person follows, they may switch off as a signal; an order by follows still reads it."""
    off = wishes.features_off if spec.order == "score" else wishes.features_off & NOT_ABOUT_FOLLOWS
    return tuple(feature for feature in spec.features if feature not in forbidden and feature not in off)


def _weights(policies: PolicySet, values: dict[str, Any]) -> dict[str, float]:
    weights = policies.base.objectives[values["objective"]]
    return {head: weight for head, weight in weights.items() if head not in values["zero_weights"]}


def _closed(
    subject: SubjectFacts, decided: Merged, limits: list[Reason], daily: int, session: int, pause: int
) -> tuple[tuple[str, ...], list[Reason]]:
    """Why nothing is served now: what rules close, own hours of sleep, a day that is used up, a break that is due."""
    usage = subject.usage
    due = {
        "day_used_up": ("daily_minutes", usage.day_minutes >= daily),
        "break_due": ("session_minutes", usage.session_minutes >= session and usage.break_minutes < pause),
    }
    found = {name: field for name, (field, now) in due.items() if now}
    why = (*decided.reasons, *limits) if found else ()
    by_field = {reason.field: reason for reason in why}  # a limit of one's own stands last
    reasons = [replace(by_field[field], field=f"closed.{name}") for name, field in found.items()]
    reasons += [asleep_reason()] if usage.asleep else []
    shut = {*decided.values["close"], *found, *(["asleep"] if usage.asleep else [])}
    return tuple(one for one in CLOSED if one in shut), reasons
