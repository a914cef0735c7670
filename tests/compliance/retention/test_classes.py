"""What is kept how long is one readable file, and one that breaks a law is refused."""

from __future__ import annotations

from datetime import date

import pytest

from compliance.audit.retention.classes import FILE, ClassesRefused, classes, parse


def changed(old: str, new: str) -> bytes:
    """The file with one thing changed."""
    text = FILE.read_text()
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("kind", "name", "least"),
    [
        ("serve", "serve_record", 183),
        ("ad_shown", "advertisement", 365),
        ("statement", "statement_of_reasons", 183),
        ("risk_assessment", "risk_evidence", 1095),
        ("promotion", "risk_evidence", 1095),
        ("something new", "other", 1095),
    ],
)
def test_every_kind_has_a_class_that_keeps_it_as_long_as_the_law_asks(kind: str, name: str, least: int) -> None:
    found = classes().of(kind)
    assert found.name == name
    assert found.keep_days == 0 or found.keep_days > least
    assert found.law


def test_what_proves_the_rest_is_kept_for_ever() -> None:
    for kind in ("retention_drop", "retention_expiry", "erasure", "hold_placed"):
        assert classes().of(kind).expires_on(date(2026, 1, 1)) is None


def test_a_month_is_counted_from_its_end_and_an_advertisement_from_when_it_was_last_shown() -> None:
    serve, ad = classes().of("serve"), classes().of("ad_shown")
    assert serve.expires_on(date(2026, 10, 1)) == date(2027, 11, 5)
    assert serve.moves_on(date(2026, 10, 1)) == date(2026, 11, 1)
    assert ad.expires_on(date(2026, 10, 1)) is None
    assert ad.expires_on(date(2026, 10, 1), last_shown=date(2027, 3, 1)) == date(2028, 3, 1)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("keep_days = 400", "keep_days = 100", "AI Act .* asks for 184: keep it longer"),
        ('kinds = ["serve"]', 'kinds = ["serve", "consent"]', "'consent' is in two retention classes"),
        ('kinds = ["*"]', 'kinds = ["rest"]', "covers all other kinds"),
        ('unattended = ["move"]', 'unattended = ["delete"]', "deleting takes two people"),
        ('from = "last_shown"', 'from = "whenever"', "counts from 'whenever'"),
        ("hot_days = 31", "hot_days = 4000", "longer than it is kept"),
        ("hot_days = 31", "hot_days = 31\nhotter_days = 3", "has 'hotter_days', which means nothing"),
        ("hot_days = 31", "", "lacks 'hot_days'"),
        ("hot_days = 31", "hot_days = -1", "days below 0"),
        ("[serve_record]", "[serve_record", "is no TOML"),
    ],
)
def test_a_file_that_breaks_a_law_or_says_nothing_sensible_is_refused(old: str, new: str, sentence: str) -> None:
    with pytest.raises(ClassesRefused, match=sentence):
        parse(changed(old, new))
