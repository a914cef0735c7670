"""Certificates say which tier an item is for, and never a younger one than the certificate's own age."""

from __future__ import annotations

import pytest

from compliance.labels.certificates import SYSTEMS, UnknownCertificate, audience_of

YOUNGEST_OF_TIER = {"child": 0, "young_teen": 13, "teen": 16, "adult": 18}


@pytest.mark.parametrize(
    ("system", "certificate", "audience"),
    [
        ("mpaa", "G", "child"),
        ("mpaa", "PG-13", "young_teen"),
        ("mpaa", "R", "adult"),
        ("tv", "tv-y7", "child"),
        ("tv", "TV-14", "teen"),
        ("tv", "TV-MA", "adult"),
        ("bbfc", "12A", "young_teen"),
        ("bbfc", "15", "teen"),
        ("fsk", "16", "teen"),
        ("pegi", " 18 ", "adult"),
    ],
)
def test_a_certificate_has_its_audience(system: str, certificate: str, audience: str) -> None:
    assert audience_of(system, certificate) == audience


@pytest.mark.parametrize("system", ["bbfc", "fsk", "pegi"])
def test_nobody_of_a_tier_is_younger_than_a_certificate_in_years_allows(system: str) -> None:
    for certificate, audience in SYSTEMS[system].items():
        years = int("".join(one for one in certificate if one.isdigit()) or 0)
        if years > 7:  # 3, 6 and 7 are for children of that age: the tier of children has no younger one
            assert YOUNGEST_OF_TIER[audience] >= years, (system, certificate)


@pytest.mark.parametrize(("system", "certificate"), [("mpaa", "unrated"), ("mpaa", ""), ("moon", "G"), ("tv", "G")])
def test_an_unknown_certificate_is_refused_with_what_there_is(system: str, certificate: str) -> None:
    with pytest.raises(UnknownCertificate, match=r"name one of|leave the item"):
        audience_of(system, certificate)
