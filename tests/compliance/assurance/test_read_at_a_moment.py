"""No module but the few that keep it reads the stored tier: a proof that it rests on may have ended."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

from django.test import Client
from django.utils import timezone

from compliance.subjects.models import Assurance, Guardianship, Subject, Tier
from host.guardians.selectors import guardians_page, sign_for
from tests.conftest import World

ROOT = Path(__file__).parents[3]
PEOPLE = {"subject", "child", "guardian", "held", "person", "asker", "who", "somebody", "owner"}
STORED = {"tier", "assurance", "tier_expires_on", "get_tier_display", "get_assurance_display"}
MAY = {
    "compliance/assurance/selectors.py",  # where it is asked whether the proof has ended
    "compliance/assurance/services.py",  # which writes it
    "compliance/assurance/standing.py",  # signals, not a row
    "compliance/policy/router.py",  # facts, not a row
    "compliance/policy/first/router.py",  # facts, not a row
    "compliance/subjects/guardians.py",  # finds rows whose effective tier is then asked
    "compliance/limits/effects.py",  # counts breaks of a day by tier, and decides nothing
}


def name_of(node: ast.expr) -> str:
    """The last word of what an attribute is read from."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def reads_stored(source: str) -> bool:
    """Whether a module reads a person's stored tier, on the row or in a query."""
    return any(
        (isinstance(node, ast.Attribute) and node.attr in STORED and name_of(node.value) in PEOPLE)
        or (isinstance(node, ast.keyword) and (node.arg or "").endswith(("__tier", "__assurance")))
        for node in ast.walk(ast.parse(source))
    )


def test_nobody_reads_the_stored_tier_but_the_few_that_keep_it() -> None:
    rooms = ("compliance", "platform", "explain", "privacy", "ranking")
    modules = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)) for path in modules if reads_stored(path.read_text())}
    assert found == MAY


def test_the_search_finds_what_it_is_for() -> None:
    for source in ("subject.tier", "link.child.assurance", "f(child__tier=1)", "link.child.get_tier_display()"):
        assert reads_stored(source), source
    assert not reads_stored("facts.tier")


def test_pages_show_a_guardian_again_when_the_proof_of_an_adult_has_ended(world: World) -> None:
    kim = world.subject("kim")
    ended = timezone.now() - timedelta(days=1)
    Subject.objects.filter(pk=kim.pk).update(
        tier=Tier.ADULT, assurance=Assurance.VERIFIED, tier_valid_until=ended, tier_expires_on=None
    )
    kim = Subject.objects.get(pk=kim.pk)
    assert Guardianship.objects.filter(child=kim).exists()
    page = guardians_page(subject=kim, now=timezone.now())
    assert page.minor
    assert [link.may_end for link in page.guardians] == [False]
    assert sign_for(kim) is not None
    client = Client()
    client.force_login(world.user("kim"))
    html = client.get("/account/").content.decode()
    assert "<dd>unknown</dd>" in html
    assert "is your guardian here" in html
