"""`manage.py policy`: what it says, and how it exits."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.compliance.policy.made_packs import SHIPPED


def folder_of(tmp_path: Path, **changed: str) -> str:
    """A folder of packs: those that ship, some of them changed."""
    for name, text in {**SHIPPED, **changed}.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_it_counts_states_and_finds_nothing_in_what_ships() -> None:
    out = StringIO()
    call_command("policy", "check", "--size", "micro", "--only", "minors.ads", "--json", stdout=out)
    (checked,) = json.loads(out.getvalue())["checked"]
    assert checked["states"] > 10_000_000_000
    assert checked["findings"] == []


def test_it_names_a_witness_and_fails(tmp_path: Path) -> None:
    out, bad = StringIO(), SHIPPED["baseline"].replace('ads = "contextual"\nlogging', "logging")
    with pytest.raises(CommandError) as failed:
        call_command(
            "policy", "check", "--packs", folder_of(tmp_path, baseline=bad), "--only", "minors.ads", stdout=out
        )
    assert failed.value.returncode == 1
    assert "BROKEN minors.ads (row D28; DSA Art. 28(2))" in out.getvalue()
    assert "tier=" in out.getvalue()


def test_a_pack_that_cannot_be_read_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"own\.toml, line 1: the pack names no 'rule'") as failed:
        call_command("policy", "check", "--packs", folder_of(tmp_path, own='pack = "own"\ntitle = "O"\nversion = "1"'))
    assert failed.value.returncode == 2


@pytest.mark.django_db
def test_what_is_in_force_is_shown_with_law_row_and_dates() -> None:
    out = StringIO()
    call_command("policy", "show", stdout=out)
    assert "us_ny_safe.feed [NY SAFE] in_force, from 2027-01-25" in out.getvalue()
    assert "us_kosa.safeguards [KOSA] pending" in out.getvalue()
    assert "us_ca_sb976.like-counts [SB 976] enjoined" in out.getvalue()
