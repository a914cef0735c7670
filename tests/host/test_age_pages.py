"""The age page and its API: saying, proving with a real double-blind proof, contesting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.assurance.local_provider import LocalProvider, prove
from compliance.assurance.models import TierContest
from compliance.subjects.models import Assurance, Guardianship, Tier
from tests.conftest import World

AGE = "/account/age/"


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.user(name))
    return client


@pytest.fixture(scope="module")
def provider() -> LocalProvider:
    return LocalProvider(issuer="made-up", accounts={"ann": "adult"}, now=timezone.now(), bits=2048)


@pytest.fixture
def trusted(provider: LocalProvider, tmp_path: Path, settings: Any) -> LocalProvider:
    path = tmp_path / "providers.json"
    path.write_text(json.dumps(provider.document()))
    settings.AGE_PROVIDERS = str(path)
    return provider


def proof_for(provider: LocalProvider, number: str) -> str:
    key = next(one for one in provider.public_keys() if one.tier == "adult")
    return prove(provider, account="ann", key=key, challenge=bytes.fromhex(number))


def send(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return getattr(client, method)(f"/api/v1/age{path}", **given)


def test_the_page_says_what_holds_and_what_is_not_built(world: World) -> None:
    html = signed_in(world, "kim").get(AGE).content.decode()
    assert "<dd>under 13</dd>" in html
    assert "never a birth date" in html
    assert "Nothing here guesses your age from what you do: that is not built" in html
    assert "No provider of proofs is set up here: not available." in html


def test_a_child_cannot_say_adult_and_can_prove_it(world: World, trusted: LocalProvider) -> None:
    kim = signed_in(world, "kim")
    refused = kim.post(f"{AGE}declare/", {"tier": "adult"})
    assert refused.status_code == 409
    assert "your word alone" in refused.content.decode()
    html = kim.post(f"{AGE}number/").content.decode()
    number = html.split('name="number" value="')[1][:64]
    assert kim.post(f"{AGE}prove/", {"number": number, "token": "cap1.x.y.z"}).status_code == 409
    assert kim.post(f"{AGE}prove/", {"number": number, "token": proof_for(trusted, number)}).status_code == 302
    subject = world.subject("kim")
    assert (subject.tier, subject.assurance) == (Tier.ADULT, Assurance.VERIFIED)


def test_nobody_else_uses_ones_number(world: World, trusted: LocalProvider) -> None:
    number = send(signed_in(world, "alex"), "post", "/numbers", {}).json()["number"]
    stolen = send(signed_in(world, "sam"), "post", "/proofs", {"number": number, "token": proof_for(trusted, number)})
    assert stolen.status_code == 409
    assert world.subject("sam").tier == Tier.TEEN


def test_the_api_takes_a_proof_once(world: World, trusted: LocalProvider) -> None:
    sam = signed_in(world, "sam")
    assert send(sam, "get", "").json()["issuers"] == ["made-up"]
    number = send(sam, "post", "/numbers", {}).json()["number"]
    proof = {"number": number, "token": proof_for(trusted, number)}
    said = send(sam, "post", "/proofs", proof)
    assert (said.status_code, said.json()["tier"], said.json()["assurance"]) == (200, "adult", "verified")
    assert send(sam, "post", "/proofs", proof).status_code == 409


def test_a_contest_waits_for_a_person(world: World) -> None:
    sam = signed_in(world, "sam")
    assert sam.post(f"{AGE}contest/", {"tier": "adult"}).status_code == 302
    assert "A person will decide." in sam.get(AGE).content.decode()
    assert sam.post(f"{AGE}contest/", {"tier": "adult"}).status_code == 409
    assert TierContest.objects.get().subject == world.subject("sam")
    assert send(signed_in(world, "kim"), "post", "/contests", {"tier": "child"}).status_code == 409
    assert world.subject("sam").tier == Tier.TEEN


def test_a_guardian_attests_and_others_find_nothing(world: World) -> None:
    link = Guardianship.objects.get(child=world.subject("kim"))
    for name in ("alex", "kim", "sam"):
        assert signed_in(world, name).post(f"{AGE}children/{link.pk}/", {"tier": "child"}).status_code == 404
    assert signed_in(world, "gale").post(f"{AGE}children/{link.pk}/", {"tier": "child"}).status_code == 302
    assert world.subject("kim").assurance == Assurance.GUARDIAN


@pytest.mark.parametrize("given", [{}, {"tier": "unknown"}, {"tier": "40"}])
def test_nonsense_is_a_400(world: World, given: dict[str, str]) -> None:
    assert signed_in(world, "sam").post(f"{AGE}declare/", given).status_code == 400
    assert send(signed_in(world, "sam"), "put", "", given).status_code == 400


def test_who_is_not_signed_in_gets_nothing(world: World) -> None:
    assert Client().get(AGE).status_code == 302
    assert send(Client(), "get", "").status_code == 401
