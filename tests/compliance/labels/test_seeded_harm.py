"""Seeded harmful items: none that is labelled reaches a minor; the classifier keeps most that are wrongly labelled."""

from __future__ import annotations

from bench.seeded_harm import DATA, missed, rows_of, served, titles
from tests.conftest import World

SERVES, SEEDS = 150, 60


def test_no_labelled_seed_reaches_a_minor_and_the_classifier_keeps_most_wrong_ones(world: World) -> None:
    outcomes = {name: served(name, DATA, SERVES, seeds_of_a_kind=SEEDS) for name in ("none", "")}
    assert missed(outcomes) == []
    for outcome in outcomes.values():
        assert outcome.slates.total() == SERVES
        assert set(outcome.slates) == {"child", "young_teen", "teen", "unknown"}
        assert outcome.labelled_reached == 0
        assert len(outcome.seeds.labelled) == len(outcome.seeds.wrong) == SEEDS
        assert len(outcome.shown) >= 0.95 * 2 * SEEDS  # a grown-up sees what is on top
    without, ours = outcomes["none"], outcomes[""]
    assert without.leaked()[0] > 0.8 * SEEDS  # without the classifier nothing stands in the way of a wrong certificate
    assert ours.leaked()[0] < 0.15 * SEEDS
    assert any("leak rate" in row[1] and "[" in row[2] for row in rows_of("", ours))
    ours.reached |= set(ours.seeds.labelled[:3])  # and a trial that fails, or could show nothing, says so
    ours.shown.clear()
    said = " ".join(missed(outcomes))
    assert "3 labelled seeds reached minors" in said
    assert "the trial shows nothing" in said


def test_titles_are_the_same_every_time_and_fit() -> None:
    found = titles(DATA, 200)
    assert found == titles(DATA, 200)
    assert len({text for text, _ in found}) == 200
    assert all(0 < len(text) <= 300 for text, _ in found)
