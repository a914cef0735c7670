"""The account page, consent, and allauth's pages in our clothes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from compliance.audit.models import AuditEvent
from compliance.subjects.models import Consent, FeedMode, Purpose, Tier
from host.accounts.models import User
from tests.conftest import World


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.user(name))
    return client


def test_it_says_what_is_known_and_chosen(world: World) -> None:
    html = signed_in(world, "alex").get("/account/").content.decode()
    assert "<dd>adult</dd>" in html
    assert "You agreed" in html
    assert "Personalised: ordered by what you did here" in html
    assert "Guardians, looks and limits of time" in html


def test_guardian_and_child_see_each_others_names_only(world: World) -> None:
    kim, gale, alex = (signed_in(world, name).get("/account/").content.decode() for name in ("kim", "gale", "alex"))
    assert "Your guardians</dt><dd>Gale" in kim
    assert "You are guardian of</dt><dd>Kim" in gale
    assert "gale@demo.example" not in kim
    assert "Gale" not in alex
    assert "Kim" not in alex


def test_consent_is_withdrawn_as_easily_as_given_and_binds_the_next_list(world: World) -> None:
    client = signed_in(world, "alex")
    html = client.post("/account/consent/", {"granted": "no"}, follow=True).content.decode()
    assert "your lists no longer follow what you do here" in html
    feed = client.get("/").content.decode()
    assert "Not personalised: most popular first" in feed
    assert "You have not agreed to be profiled" in feed
    assert "Change this on your account page" in feed
    client.post("/account/consent/", {"granted": "yes"})
    assert "Personalised: ordered by what you did here" in client.get("/").content.decode()
    decisions = Consent.objects.filter(subject=world.subject("alex")).order_by("id")
    assert [decision.granted for decision in decisions] == [True, False, True]


def test_a_child_is_told_that_consent_does_not_change_the_rule(world: World) -> None:
    html = signed_in(world, "kim").get("/account/").content.decode()
    assert "Whatever you choose here: For children, lists are not personalised" in html
    assert "Change this on your account page" not in signed_in(world, "kim").get("/").content.decode()


@pytest.mark.parametrize("tier", [Tier.CHILD, Tier.YOUNG_TEEN, Tier.UNKNOWN])
def test_whom_a_rule_keeps_from_personalised_lists_is_not_asked_and_cannot_agree(world: World, tier: Tier) -> None:
    subject = world.subject("alex")
    subject.tier = tier
    subject.save()
    client = signed_in(world, "alex")
    assert "Take my agreement back" in client.get("/account/").content.decode()
    assert client.post("/account/consent/", {"granted": "no"}).status_code == 302
    html = client.get("/account/").content.decode()
    assert "Agree to personalised lists" not in html
    assert "Take my agreement back" not in html
    before = Consent.objects.count()
    response = client.post("/account/consent/", {"granted": "yes"})
    assert response.status_code == 409
    rule = "baseline.unknown-age" if tier == Tier.UNKNOWN else "gdpr.child-consent"
    assert f"(rule {rule}, " in response.content.decode()
    assert Consent.objects.count() == before


def test_an_adult_may_agree_while_no_ranker_is_live(world: World, settings: Any, tmp_path: Path) -> None:
    settings.MODEL_REGISTRY = tmp_path
    client = signed_in(world, "alex")
    client.post("/account/consent/", {"granted": "no"})
    assert client.post("/account/consent/", {"granted": "yes"}).status_code == 302


def test_the_words_about_likes_hold_for_the_popular_order_too(world: World) -> None:
    html = signed_in(world, "alex").get("/account/").content.decode()
    assert "never read it" not in html
    assert "your like is one of them" in html


@pytest.mark.parametrize("granted", ["", "maybe", "1"])
def test_a_malformed_consent_is_refused_and_stores_nothing(world: World, granted: str) -> None:
    before = Consent.objects.count()
    assert signed_in(world, "alex").post("/account/consent/", {"granted": granted}).status_code == 400
    assert Consent.objects.count() == before


def test_signed_out_people_see_no_account(world: World) -> None:
    assert Client().get("/account/")["Location"].startswith("/accounts/login/")
    assert Client().post("/account/consent/", {"granted": "yes"})["Location"].startswith("/accounts/login/")


def test_somebody_new_is_of_unknown_age_and_gets_the_strictest_feed(world: World) -> None:
    client = Client()
    data = {"email": "new@demo.example", "password1": "a-long-passphrase-9", "password2": "a-long-passphrase-9"}
    assert client.post("/accounts/signup/", data).status_code == 302
    html = client.get("/").content.decode()
    assert "We do not know your age group" in html
    user = User.objects.get(email="new@demo.example")
    assert user.subject is not None
    assert user.subject.tier == "unknown"
    assert FeedMode.POPULAR.label in html


def test_a_failed_sign_in_starts_with_an_error_summary(world: World) -> None:
    html = Client().post("/accounts/login/", {"login": "alex@demo.example", "password": "wrong"}).content.decode()
    assert "There is a problem" in html


@pytest.mark.parametrize(
    "address",
    ["/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/logout/"],
)
def test_the_sign_in_pages_wear_our_base(world: World, address: str) -> None:
    response = signed_in(world, "alex").get(address)
    html = response.content.decode()
    assert response.status_code == 200
    assert '<html lang="en-GB">' in html
    assert 'id="status"' in html
    assert '<a class="skip"' in html


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/help/"])
def test_public_pages_wear_our_base_too(world: World, address: str) -> None:
    html = Client().get(address).content.decode()
    assert '<html lang="en-GB">' in html
    assert '<a class="skip"' in html


def test_an_objection_outweighs_consent_on_the_next_list_and_is_on_record(world: World) -> None:
    client, sam = signed_in(world, "alex"), world.subject("sam")
    others = Consent.objects.filter(subject=sam).count()
    assert "Personalised: ordered by what you did here" in client.get("/").content.decode()
    html = client.post("/account/objection/", {"objects": "yes"}, follow=True).content.decode()
    assert "You objected" in html
    assert "Not personalised: most popular first" in client.get("/").content.decode()
    latest = Consent.objects.filter(subject=world.subject("alex")).latest("id")
    assert (latest.purpose, latest.granted) == (Purpose.OBJECTION, True)
    assert AuditEvent.objects.filter(kind="consent", pseudonym=world.subject("alex").pseudonym).exists()
    assert Consent.objects.filter(subject=sam).count() == others
    client.post("/account/objection/", {"objects": "no"})
    assert "Personalised: ordered by what you did here" in client.get("/").content.decode()


@pytest.mark.parametrize("objects", ["", "maybe", "1"])
def test_a_malformed_objection_is_refused_and_stores_nothing(world: World, objects: str) -> None:
    before = Consent.objects.count()
    assert signed_in(world, "alex").post("/account/objection/", {"objects": objects}).status_code == 400
    assert Consent.objects.count() == before


def test_an_outsider_objects_for_nobody(world: World) -> None:
    before = Consent.objects.count()
    response = Client().post("/account/objection/", {"objects": "yes"})
    assert response.status_code in {302, 401, 403}
    assert Consent.objects.count() == before
