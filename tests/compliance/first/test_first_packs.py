"""A policy pack of the first form is checked whole when it is loaded; a broken one is refused in a sentence."""

from __future__ import annotations

import pytest

from compliance.policy.first.pack import PackRefused, parse
from tests.compliance.first.shipped import BASELINE


def test_the_pack_that_was_shipped_loads_and_is_known_by_its_bytes() -> None:
    pack = parse(BASELINE.encode())
    assert pack.name == "baseline"
    assert parse(BASELINE.encode()).sha256 == pack.sha256
    assert parse((BASELINE + "\n# a remark\n").encode()).sha256 != pack.sha256


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('pack = "baseline"', "pack = ", "not valid TOML"),
        ("slate_size = 24", "slate_size = 24\nslate_colour = 1", "slate_colour"),
        ('order = "newest"', 'order = "loudest"', "loudest"),
        ('tier = ["child"]', 'tier = ["kid"]', "kid"),
        ('tier = ["child"]', 'mood = ["sad"]', "mood"),
        ('id = "baseline.child"', 'id = "baseline.teen"', "same id"),
        ('default_mode = "personalised"', "", "default_mode"),
        ('order = "newest"\nsources = { home = ["newest"], related = ["newest"] }\nfeatures = []',
         'order = "newest"\nsources = { home = ["newest"], related = ["newest"] }\nfeatures = ["history"]',
         "non-profiled"),
        ('sources = { home = ["newest"], related = ["newest"] }', 'sources = { home = ["newest"] }', "related"),
        ("[limits]", "[other]", "other"),
    ],
)  # fmt: skip
def test_a_broken_pack_is_refused_and_says_what_is_wrong(old: str, new: str, words: str) -> None:
    broken = BASELINE.replace(old, new, 1)
    assert broken != BASELINE
    with pytest.raises(PackRefused, match=words):
        parse(broken.encode())
