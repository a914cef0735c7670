"""The policy router: facts about a request in, the plan out. Pure, total, and every field names its rule."""

from __future__ import annotations

from compliance.policy.first.pack import AUDIENCES, TIERS, ModeSpec, Pack, Rule
from compliance.policy.first.types import Plan, Reason, RequestFacts, SubjectFacts


class NoOrder(LookupError):
    """Every order that the rules name is forbidden by another rule."""


def plan(pack: Pack, subject: SubjectFacts, request: RequestFacts) -> Plan:
    """Decide what one request may use (DSA Art. 25, 27, 28, 38). Unknown values fall to the strictest rule."""
    tier = subject.tier if subject.tier in TIERS else "unknown"
    facts = {
        "tier": tier,
        "consent": "yes" if subject.personalisation_consent else "no",
        "surface": request.surface,
        "ranker": "live" if request.ranker_live else "none",
    }
    rules = [rule for rule in pack.rules if rule.applies(facts)]
    offered, refusals = _offered(pack, rules)
    mode, mode_reason = _mode(subject.chosen_mode, offered, rules)
    spec = pack.modes[mode]
    audiences, audience_reasons = _audiences(rules)
    explore, explore_reasons = _explore(spec, rules)
    return Plan(
        feed_mode=mode,
        offered_modes=offered,
        order=spec.order,
        sources=spec.sources[request.surface],
        features=spec.features,
        weights=spec.weights,
        audiences=audiences,
        hidden_items=subject.hidden_items,
        slate_size=min(request.slate_size, pack.slate_size),
        pool_size=pack.pool_size,
        diversity=spec.diversity,
        explore_probability=explore,
        explore_pool=spec.explore_pool if explore > 0 else 0,
        max_topic_share=spec.max_topic_share,
        ui=pack.ui.flags,
        reasons=(
            mode_reason,
            *refusals,
            *audience_reasons,
            *explore_reasons,
            Reason(field="ui", rule=pack.ui.rule, law=pack.ui.law, words=pack.ui.words),
        ),
        policy_sha256=pack.sha256,
    )


def _reason(field: str, rule: Rule) -> Reason:
    return Reason(field=field, rule=rule.id, law=rule.law, words=rule.words)


def _offered(pack: Pack, rules: list[Rule]) -> tuple[tuple[str, ...], list[Reason]]:
    refusals = [_reason(f"offered_modes.{mode}", rule) for rule in rules for mode in rule.forbid_modes]
    forbidden = {mode for rule in rules for mode in rule.forbid_modes}
    return tuple(mode for mode in pack.modes if mode not in forbidden), refusals


def _mode(chosen: str, offered: tuple[str, ...], rules: list[Rule]) -> tuple[str, Reason]:
    if chosen in offered:
        return chosen, Reason(
            field="feed_mode", rule="choice", law="DSA Art. 27(3), Art. 38", words="You chose this order."
        )
    # The last rule that applies and is itself offered decides: packs list the general rule first.
    for rule in reversed(rules):
        if rule.default_mode in offered:
            return rule.default_mode, _reason("feed_mode", rule)
    raise NoOrder("No rule gives an order that is offered: the pack must forbid less or name another default.")


def _audiences(rules: list[Rule]) -> tuple[tuple[str, ...], list[Reason]]:
    """Intersect the audiences of all rules. Only with no such rule (adults) are unlabelled items allowed too."""
    allowed: tuple[str, ...] = (*AUDIENCES, "")
    reasons = []
    for rule in rules:
        if rule.audiences is not None:
            allowed = tuple(audience for audience in allowed if audience in rule.audiences)
            reasons.append(_reason("audiences", rule))
    return allowed, reasons


def _explore(spec: ModeSpec, rules: list[Rule]) -> tuple[float, list[Reason]]:
    probability = spec.explore_probability
    reasons = []
    for rule in rules:
        if rule.explore_probability is not None and rule.explore_probability < probability:
            probability = rule.explore_probability
            reasons.append(_reason("explore_probability", rule))
    return probability, reasons
