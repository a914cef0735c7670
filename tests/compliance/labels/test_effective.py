"""From everything said of an item to the label that counts: the strictest, unless a person looked at just this."""

from __future__ import annotations

import itertools

import pytest

from compliance.labels.effective import UNLABELLED, Word, effective
from compliance.labels.values import AUDIENCE, STRICTNESS, Category, Source, Verdict
from ranking.catalogue.models import Audience

READER = "reader"


def certificate(value: str, *, name: str = "mpaa") -> Word:
    """A certificate's word."""
    return Word(about=AUDIENCE, value=value, confidence="high", source=Source.CERTIFICATE, source_name=name)


def genre(value: str) -> Word:
    """A genre's word."""
    return Word(about=AUDIENCE, value=value, confidence="low", source=Source.GENRE)


def read(value: str = Verdict.CLEAR, *, about: str = "toxic", fresh: bool = True) -> Word:
    """The classifier's word."""
    confidence = "high" if value == Verdict.UNSAFE else "low"
    return Word(
        about=about, value=value, confidence=confidence, source=Source.CLASSIFIER, source_name=READER, fresh=fresh
    )


def moderator(value: str, *, about: str = AUDIENCE, fresh: bool = True) -> Word:
    """A person's word."""
    return Word(about=about, value=value, confidence="high", source=Source.MODERATOR, fresh=fresh)


@pytest.mark.parametrize(("one", "other"), list(itertools.product(Audience.values, repeat=2)))
def test_where_sources_disagree_the_stricter_audience_counts_in_any_order(one: str, other: str) -> None:
    words = [certificate(one), genre(other)]
    strictest = max(one, other, key=lambda value: STRICTNESS[value])
    for order in (words, words[::-1]):
        assert effective(order, classifier="").suitable_from == strictest


def test_whoever_named_a_younger_audience_vouches_for_the_stricter_one() -> None:
    found = effective([certificate("child"), genre("teen")], classifier="")
    assert (found.suitable_from, found.confidence, found.source) == ("teen", "high", "catalogue genre")


def test_a_genre_alone_is_held_with_low_confidence() -> None:
    found = effective([genre("child")], classifier="")
    assert (found.suitable_from, found.confidence) == ("child", "low")


def test_nothing_said_is_unlabelled() -> None:
    assert effective([], classifier="") == UNLABELLED
    assert effective([read()], classifier=READER) == UNLABELLED


@pytest.mark.parametrize("category", Category.values)
def test_a_finding_of_any_category_is_for_adults_whatever_the_certificate_says(category: str) -> None:
    found = effective([certificate("child"), read(Verdict.UNSAFE, about=category)], classifier="")
    assert (found.suitable_from, found.unsafe) == ("adult", (category,))


@pytest.mark.parametrize(
    "reading",
    [
        [],
        [read(fresh=False)],
        [read(Verdict.UNREADABLE)],
        [read(Verdict.SUSPECT)],
        [read(), read("suspect", about="hate")],
    ],
    ids=["not read", "another text", "cannot tell", "suspect", "suspect of one"],
)
def test_a_text_that_the_classifier_has_not_cleared_is_unlabelled(reading: list[Word]) -> None:
    assert effective([certificate("child"), *reading], classifier=READER) == UNLABELLED


def test_a_cleared_text_has_its_certificates_label() -> None:
    found = effective([certificate("child"), read(), read(about="hate")], classifier=READER)
    assert (found.suitable_from, found.confidence, found.unsafe) == ("child", "high", ())


@pytest.mark.parametrize("value", Audience.values)
def test_a_moderator_decides_up_and_down(value: str) -> None:
    found = effective([certificate("teen"), genre("young_teen"), moderator(value)], classifier=READER)
    assert (found.suitable_from, found.source, found.confidence) == (value, "moderator", "high")


def test_a_moderator_clears_what_a_classifier_found_or_suspected() -> None:
    for verdict in (Verdict.UNSAFE, Verdict.SUSPECT, Verdict.UNREADABLE):
        words = [certificate("child"), read(verdict), moderator(Verdict.CLEAR, about="toxic")]
        assert effective(words, classifier=READER).suitable_from == "child"
    hate = read(Verdict.UNSAFE, about="hate")
    words = [certificate("child"), read(Verdict.UNSAFE), hate, moderator(Verdict.CLEAR, about="toxic")]
    assert effective(words, classifier=READER).unsafe == ("hate",)


def test_a_moderators_audience_does_not_undo_a_finding() -> None:
    found = effective([moderator("child"), read(Verdict.UNSAFE)], classifier=READER)
    assert found.suitable_from == "adult"


def test_once_the_text_has_changed_a_moderators_word_makes_nothing_milder() -> None:
    stale = moderator("child", fresh=False)
    assert effective([certificate("teen"), stale], classifier="").suitable_from == "teen"
    assert effective([stale], classifier=READER) == UNLABELLED
    assert effective([stale], classifier="").confidence == "low"
    words = [certificate("child"), read(Verdict.UNSAFE), moderator(Verdict.CLEAR, about="toxic", fresh=False)]
    assert effective(words, classifier=READER).unsafe == ("toxic",)


def test_once_the_text_has_changed_a_moderators_word_stays_as_strict() -> None:
    words = [certificate("child"), moderator("adult", fresh=False)]
    assert effective(words, classifier="").suitable_from == "adult"
    words = [certificate("child"), read(), moderator(Verdict.UNSAFE, about="violence", fresh=False)]
    assert effective(words, classifier=READER).unsafe == ("violence",)
