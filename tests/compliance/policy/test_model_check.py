"""Every state of the router is looked at: what ships breaks nothing, and each planted fault is found with a witness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import pytest

from compliance.policy.checking import check as checking
from compliance.policy.checking.check import BEYOND_FACTS, PARTS, check, classes_of
from compliance.policy.checking.classes import space_of
from compliance.policy.checking.reasoned import without_reason
from compliance.policy.checking.sampling import disagreements
from compliance.policy.checking.states import State, values_of
from compliance.policy.policy_set import PolicySet, of_texts, shipped
from compliance.policy.router import plan
from compliance.policy.types import Plan
from compliance.policy.vocabulary import FACTS, SIZES
from tests.compliance.policy.made_packs import HEAD, SHIPPED, beside_all, replaced, rule

MINORS: Final = {"child", "young_teen", "teen", "unknown", "?"}
HEADS: Final = 'zero_weights = ["click", "is_click", "long_view", "dwell", "play_time", "watch_time"]\n'


@pytest.mark.parametrize("size", SIZES)
def test_no_state_of_what_ships_breaks_an_invariant(size: str) -> None:
    checked = check(shipped(size))
    assert checked.findings == ()
    assert checked.states > 60_000_000_000
    assert checked.plans > checked.classes > 1_000


def test_every_state_is_counted_once_in_every_part() -> None:
    space = space_of(shipped("platform"), set())
    product = len(space.eras)
    for fact in FACTS:
        product *= len(values_of(fact, space.policies))
    assert space.size == product
    for part in PARTS:
        assert sum(one.count for one in classes_of(space, part)) == product
        assert BEYOND_FACTS % (len(part.chosen) * len(part.signals) * len(part.used)) == 0


@pytest.mark.parametrize(("size", "seed"), [("platform", 1), ("vlop", 2)])
def test_the_plan_of_a_random_state_is_that_of_its_class(size: str, seed: int) -> None:
    assert list(disagreements(shipped(size), seed=seed, count=5_000)) == []


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A fault in a pack that ships, what it must be found by, and what the witness must say."""

    pack: str
    old: str
    new: str
    invariant: str
    witness: dict[str, set[str]]
    size: str = "micro"


PLANTED: Final = {
    "profiled-ads": Planted(
        pack="baseline", old='ads = "contextual"\nlogging', new="logging", invariant="minors.ads",
        witness={"tier": MINORS, "consent": {"granted"}},
    ),
    "engagement-objective": Planted(
        pack="baseline", old=f'objective = "explicit"\n{HEADS}', new="", invariant="minors.objective",
        witness={"tier": MINORS},
    ),
    "watch-time-read": Planted(
        pack="baseline", old='forbid_features = ["history.watch_time"]\nexplore', new="explore",
        invariant="minors.watch-time", witness={"tier": {"teen"}},
    ),
    "autoplay": Planted(
        pack="baseline", old='ui = ["no_autoplay", "no_infinite_scroll"]', new='ui = ["no_infinite_scroll"]',
        invariant="minors.autoplay", witness={"tier": MINORS, "jurisdiction": {"US-CA", "US-NY", "US", "other"}},
    ),
    "push-at-night": Planted(
        pack="baseline", old='hours = ["22-24", "00-06"]', new='hours = ["22-24"]', invariant="minors.sleep",
        witness={"tier": MINORS, "hours": {"00-06"}},
    ),
    "push-at-school": Planted(
        pack="us_ca_sb976", old='school_day = ["yes"]', new='school_day = ["no"]', invariant="minors.school",
        witness={"jurisdiction": {"US-CA"}, "hours": {"08-15"}, "school_day": {"yes"}},
    ),
    "addictive-feed": Planted(
        pack="us_ca_sb976",
        old='parental_consent = ["no"] }\nforbid_modes',
        new='parental_consent = ["yes"] }\nforbid_modes',
        invariant="minors.addictive-feed", witness={"jurisdiction": {"US-CA"}, "parental_consent": {"no"}},
    ),
    "late-law": Planted(
        pack="us_ny_safe", old="starts = 2027-01-25", new="starts = 2027-06-01", invariant="minors.addictive-feed",
        witness={"jurisdiction": {"US-NY"}, "day": {"2027-01-25"}},
    ),
    "own-word-for-age": Planted(
        pack="us_ca_sb976", old='assurance = ["none", "self_declared"]', new='assurance = ["none"]',
        invariant="feed.age-assured", witness={"assurance": {"self_declared"}, "day": {"2027-01-01", "2027-01-25"}},
    ),
    "objection-ignored": Planted(
        pack="baseline", old='consent = ["none", "objected"]', new='consent = ["none"]', invariant="consent.withdrawn",
        witness={"consent": {"objected"}, "jurisdiction": {"US-CA", "US-NY", "US", "other"}},
    ),
    "pause-ignored": Planted(
        pack="baseline",
        old='when = { paused = ["yes"] }\nforbid_modes = ["personalised"]',
        new='when = { paused = ["yes"] }',
        invariant="pause", witness={"paused": {"yes"}},
    ),
    "unlabelled": Planted(
        pack="baseline", old='audiences = ["child", "young_teen", "teen"]',
        new='audiences = ["child", "young_teen", "teen", "unlabelled"]', invariant="minors.labelled",
        witness={"tier": {"teen"}},
    ),
    "unknown-age-sees-more": Planted(
        pack="baseline", old='default_mode = "popular"\naudiences = ["child"]\n\n[[rule]]\nid = "baseline.child"',
        new='default_mode = "popular"\naudiences = ["child", "young_teen"]\n\n[[rule]]\nid = "baseline.child"',
        invariant="unknown", witness={"tier": {"unknown"}},
    ),
    "drawn": Planted(
        pack="baseline", old="explore_probability = 0.0\nlabel", new="label", invariant="minors.nothing-drawn",
        witness={"tier": {"teen"}, "consent": {"granted"}},
    ),
    "thin-log": Planted(
        pack="baseline", old='logging = "enhanced"\n', new="", invariant="minors.logging", witness={"tier": MINORS},
    ),
    "six-hours": Planted(
        pack="us_ca_sb976", old="daily_minutes = 60", new="daily_minutes = 360", invariant="minors.one-hour",
        witness={"jurisdiction": {"US-CA", "unknown"}, "parental_consent": {"no"}},
    ),
    "young-teens-see-more": Planted(
        pack="baseline", old='audiences = ["child", "young_teen"]\n',
        new='audiences = ["child", "young_teen", "teen"]\n',
        invariant="young-teens.labelled", witness={"tier": {"young_teen"}},
    ),
    "location-of-minors": Planted(
        pack="uk_aadc", old='forbid_features = ["location", "device"]', new='ui = ["no_live"]',
        invariant="minors.location", witness={"tier": {"child", "teen", "young_teen"}, "jurisdiction": {"UK"}},
    ),
    "no-breaks-for-children": Planted(
        pack="eu_minors_guidelines", old="session_minutes = 30\nbreak_minutes = 10",
        new="session_minutes = 1440\nbreak_minutes = 0", invariant="children.pauses", witness={"jurisdiction": {"EU"}},
        size="platform",
    ),
    "guardian-sees-topics": Planted(
        pack="baseline", old='hidden_from_guardian = ["topics", "items"]', new='hidden_from_guardian = ["items"]',
        invariant="teens.own-room", witness={"tier": {"teen"}},
    ),
    "profiled-ads-in-a-pause": Planted(
        pack="baseline", old='words = "You paused personalisation."\nwhen = { paused = ["yes"] }\n'
        'forbid_modes = ["personalised"]\ndefault_mode = "popular"\nads = "contextual"\n',
        new='words = "You paused personalisation."\nwhen = { paused = ["yes"] }\n'
        'forbid_modes = ["personalised"]\ndefault_mode = "popular"\n',
        invariant="pause.ads", witness={"paused": {"yes"}, "consent": {"granted"}},
    ),
}  # fmt: skip
POPULAR: Final = 'default_mode = "popular"\n'
OBSERVED: Final = (
    'forbid_features = ["history.opens", "history.likes", "history.watch_time", "history.explicit", '
    '"profile", "device"]\n'
)
OF_CHILD: Final = 'when = { tier = ["child"] }\n'
UNDER_16: Final = 'when = { tier = ["child", "young_teen", "unknown"] }\nforbid_modes'
TOGETHER: Final[dict[str, tuple[str, tuple[tuple[str, str, str], ...]]]] = {
    "teens-start-profiled": (
        "minors.default",
        (
            ("baseline", f'when = {{ tier = ["teen"] }}\n{POPULAR}', 'when = { tier = ["teen"] }\n'),
            ("eu_minors_guidelines", POPULAR, "ui = ['no_live']\n"),
            ("uk_aadc", f"{POPULAR}ads", "ads"),
            ("us_ca_aadc", POPULAR, ""),
        ),
    ),
    "children-profiled-where-a-guardian-agreed": (
        "under-16.not-profiled",
        (
            ("baseline", f'{OF_CHILD}forbid_modes = ["personalised"]\n{OBSERVED}', OF_CHILD),
            ("uk_aadc", UNDER_16, 'when = { tier = ["unknown"] }\nforbid_modes'),
        ),
    ),
}
"""Faults that only several changes make together: the invariant that finds them, and the changes."""
WITHOUT: Final = {"eu_minors_guidelines": "minors.pauses", "eu_dsa": "shown", "cn_2022": "shown.china"}
ROUTER: Final[dict[str, tuple[str, Callable[[Plan], Plan]]]] = {
    "a-source-stays": ("signals", lambda one: replace(one, sources=(*one.sources, "following"))),
    "negative-weights": ("weights", lambda one: replace(one, weights={**one.weights, "like": -1.0})),
    "more-essential-places": ("decided", lambda one: replace(one, essential_places=5)),
    "all-promoted": ("promoted", lambda one: replace(one, max_promoted_share=1.0)),
    "many-pushes": ("minors.push", lambda one: replace(one, push_per_day=100)),
    "no-session-limit": ("decided", lambda one: replace(one, session_minutes=1440)),
    "no-end": ("weights", lambda one: replace(one, slate_size=1000, pool_size=100_000)),
    "no-signs": ("minors.words", lambda one: replace(one, ui=())),
    "guardian-sees-all": ("young-teens.own-list", lambda one: replace(one, hidden_from_guardian=())),
}
"""Faults of the router itself: the invariant that finds them, and what is done to each plan."""


def found(policies: PolicySet, invariant: str) -> dict[str, str]:
    """The witness that an invariant's fault is found with."""
    findings = [one for one in check(policies, only=invariant).findings if one.invariant == invariant]
    assert findings, f"{invariant} was not found broken"
    assert all(one.states > 0 and one.row and one.law and one.seen for one in findings)
    return findings[0].witness


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_a_planted_fault_is_found_with_a_state_that_shows_it(name: str) -> None:
    planted = PLANTED[name]
    witness = found(replaced(planted.pack, planted.old, planted.new, size=planted.size), planted.invariant)
    for fact, values in planted.witness.items():
        assert witness[fact] in values, witness
    assert set(witness) >= {*FACTS, "day"}


@pytest.mark.parametrize("name", sorted(TOGETHER))
def test_a_fault_that_takes_several_packs_is_found(name: str) -> None:
    invariant, changes = TOGETHER[name]
    texts = dict(SHIPPED)
    for pack, old, new in changes:
        assert old in texts[pack]
        texts[pack] = texts[pack].replace(old, new)
    assert found(of_texts(texts, size="platform"), invariant)["tier"] in MINORS


@pytest.mark.parametrize("pack", sorted(WITHOUT))
def test_a_pack_that_is_left_out_is_missed(pack: str) -> None:
    texts = {name: text for name, text in SHIPPED.items() if name != pack}
    assert found(of_texts(texts, size="platform"), WITHOUT[pack])


@pytest.mark.parametrize("name", sorted(ROUTER))
def test_a_router_that_does_not_do_what_the_rules_decided_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    invariant, fault = ROUTER[name]
    monkeypatch.setattr(checking, "plan", lambda *given: fault(plan(*given)))
    assert found(shipped("platform"), invariant)


def test_a_weight_on_watching_is_found() -> None:
    weighed = SHIPPED["baseline"].replace("[objectives.explicit]\n", "[objectives.explicit]\ndwell = 0.1\n")
    assert check(of_texts({**SHIPPED, "baseline": weighed}, size="micro"), only="minors.objective").findings == ()
    kept = weighed.replace(HEADS, "")  # now nothing takes the weight out for minors
    witness = found(of_texts({**SHIPPED, "baseline": kept}, size="micro"), "minors.objective")
    assert witness["tier"] in MINORS


def test_a_set_in_which_no_order_is_left_is_found() -> None:
    modes = '["personalised", "newest", "popular", "following", "topics", "explore"]'
    when = "when = { jurisdiction = ['CN'], hours = ['22-24'] }\n"
    witness = found(beside_all(HEAD + rule("nothing", f"{when}forbid_modes = {modes}"), size="micro"), "total")
    assert (witness["jurisdiction"], witness["hours"]) == ("CN", "22-24")


def test_an_order_that_is_left_without_a_source_is_found() -> None:
    body = "when = { jurisdiction = ['CN'] }\nforbid_sources = ['newest']"
    witness = found(beside_all(HEAD + rule("dry", body), size="micro"), "non-profiled")
    assert (witness["jurisdiction"], witness["chosen"]) == ("CN", "newest")


def test_a_place_that_is_stricter_than_the_unknown_one_is_found() -> None:
    body = "when = { jurisdiction = ['UK'] }\npush_per_day = 0"
    assert found(beside_all(HEAD + rule("there", body), size="micro"), "unknown")["jurisdiction"] == "unknown"


def test_a_plan_that_names_no_rule_is_found() -> None:
    state = State(facts=tuple((fact, values[0]) for fact, values in FACTS.items()), day=date(2026, 11, 22))
    policies = shipped("micro")
    whole = plan(policies, *state.inputs())
    assert list(without_reason(policies, state, whole)) == []
    silent = replace(whole, reasons=tuple(one for one in whole.reasons if one.field != "ads"))
    assert list(without_reason(policies, state, silent)) == ["ads"]
