"""A broken pack is refused whole, in a sentence that names the file and the line."""

from __future__ import annotations

import re

import pytest

from compliance.policy.pack import PackRefused
from compliance.policy.policy_set import of_texts
from tests.compliance.policy.made_packs import HEAD, SHIPPED, beside_all, beside_baseline, rule

CHILD = 'when = { tier = ["child"] }'
EU = HEAD + 'jurisdictions = ["EU"]\n'
BROKEN = {
    "no-toml": ("pack = ", r"own\.toml is not valid TOML"),
    "unknown-field": (HEAD + rule("a", 'survey = "never"\nsurvei = "never"'), r"line 10: unknown field 'survei'"),
    "unknown-fact": (HEAD + rule("a", 'when = { mood = ["good"] }'), r"line 9: unknown field 'mood'"),
    "unknown-value": (HEAD + rule("a", 'when = { tier = ["baby"] }'), r"line 9: 'baby' in tier"),
    "out-of-bounds": (HEAD + rule("a", f"{CHILD}\npush_per_day = 101"), r"line 10: push_per_day of rule own.a is 101"),
    "foreign-id": (HEAD + rule("a", "").replace("own.a", "other.a"), r"line 6: rule other.a does not begin"),
    "no-words": (HEAD + rule("a", CHILD).replace('words = "Because."\n', ""), r"line 5: rule own.a names no 'words'"),
    "no-effect": (HEAD + rule("a", CHILD), r"line 5: rule own.a decides nothing"),
    "empty-condition": (
        HEAD + rule("a", "when = { tier = [] }\nlogging = 'enhanced'"),
        r"line 5: rule own.a never app",
    ),
    "ends-first": (
        HEAD + rule("a", "starts = 2027-02-01\nends = 2027-01-01\nlogging = 'enhanced'"),
        r"line 5: rule own.a never applies",
    ),
    "elsewhere": (
        EU + rule("a", "when = { jurisdiction = ['CN'] }\nlogging = 'enhanced'"),
        r"line 6: rule own.a never applies: its pack is for EU",
    ),
    "twice": (
        HEAD + rule("a", f"{CHILD}\npush_per_day = 0") + rule("b", f"{CHILD}\npush_per_day = 1"),
        r"line 12: rule own.b overlaps own.a \(line 5\): both have the same condition and decide push_per_day",
    ),
    "forbidden-default": (
        HEAD + rule("a", f"{CHILD}\ndefault_mode = 'popular'") + rule("b", "forbid_modes = ['popular']"),
        r"line 12: rule own.b overlaps own.a \(line 5\): one makes 'popular' the default where the other forbids it",
    ),
    "no-audience": (
        HEAD + rule("a", f"{CHILD}\naudiences = ['child']") + rule("b", "audiences = ['adult']"),
        r"line 12: rule own.b overlaps own.a \(line 5\): no audience is named by both",
    ),
    "never-strictest": (
        HEAD + rule("a", f"{CHILD}\npush_per_day = 4"),
        r"line 5: rule own.a never decides anything: wherever it applies, another rule is at least as strict",
    ),
    "second-base": (
        HEAD + rule("a", "logging = 'enhanced'") + '[modes.newest]\norder = "newest"\nfeatures = []\n'
        'sources = { home = ["newest"], related = ["newest"] }',
        r"own\.toml, line 10: 2 packs say what the feed modes are made of",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_pack_is_refused_with_its_line(name: str) -> None:
    text, sentence = BROKEN[name]
    with pytest.raises(PackRefused) as refused:
        beside_baseline(text)
    assert re.search(sentence, str(refused.value)), str(refused.value)
    assert "own.toml" in str(refused.value)


def test_a_set_without_a_default_is_refused() -> None:
    text = SHIPPED["baseline"].replace('survey = "asked"\n', "")
    with pytest.raises(PackRefused, match=r"baseline\.toml, line \d+: no rule that always applies says survey"):
        of_texts({"baseline": text}, size="platform")


def test_a_default_that_nobody_described_is_refused() -> None:
    begins, ends = SHIPPED["baseline"].index("[modes.personalised]"), SHIPPED["baseline"].index("[modes.newest]")
    text = SHIPPED["baseline"][:begins] + SHIPPED["baseline"][ends:]
    with pytest.raises(
        PackRefused, match=r"baseline\.toml, line \d+: rule baseline\.default-order makes 'personalised'"
    ):
        of_texts({"baseline": text}, size="platform")


def test_a_rule_that_only_covers_what_several_others_cover_together_is_refused() -> None:
    parts = [rule(tier, f"when = {{ tier = ['{tier}'] }}\nads = 'none'") for tier in ("child", "teen")]
    with pytest.raises(PackRefused, match=r"rule own\.both never decides anything"):
        beside_baseline(HEAD + "".join(parts) + rule("both", "when = { tier = ['child', 'teen'] }\nads = 'contextual'"))


def test_a_rule_that_is_strictest_in_one_era_only_is_taken() -> None:
    later = rule("later", "starts = 2027-05-01\nads = 'none'")
    before = rule("before", "when = { tier = ['adult'] }\nads = 'contextual'")
    assert beside_baseline(HEAD + later + before).compiled.days
    with pytest.raises(PackRefused, match=r"rule own\.before never decides anything"):
        beside_baseline(HEAD + later.replace("starts = 2027-05-01\n", "") + before)


def test_what_is_pending_decides_nothing_and_is_not_asked_to() -> None:
    text = HEAD + rule("a", "status = 'pending'\nads = 'profiled'")
    assert all(one.id != "own.a" for one in beside_all(text).compiled.rules)


@pytest.mark.parametrize("size", ["micro", "platform", "vlop"])
def test_what_ships_loads_and_every_rule_of_it_names_its_law(size: str) -> None:
    policies = of_texts(SHIPPED, size=size)
    assert len(policies.packs) == 14
    for pack in policies.packs:
        for each in pack.rules:
            assert each.law, each.id
            assert each.words.endswith("."), each.id
            assert each.row or pack.name in {"baseline", "gdpr"}, f"{each.id} names no row of the table of obligations"
