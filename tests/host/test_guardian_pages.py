"""The guardian pages and API, as guardian, other guardian, child and outsider."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.subjects import guarding
from compliance.subjects.models import Assurance, Control, GuardianInvite, Guardianship, GuardianView, Subject, Tier
from tests.conftest import World

HOME = "/account/guardians/"


def signed_in(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.user(name))
    return client


def link_of(world: World) -> Guardianship:
    return Guardianship.objects.get(guardian=world.subject("gale"), child=world.subject("kim"))


def send(client: Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return getattr(client, method)(f"/api/v1/{path}", **given)


def test_a_child_sees_on_every_page_who_guards_and_who_looked(world: World) -> None:
    kim, gale, link = signed_in(world, "kim"), signed_in(world, "gale"), link_of(world)
    assert "Gale is your guardian here and can look." in kim.get("/").content.decode()
    assert "looked at your" not in kim.get("/account/").content.decode()
    seen = gale.post(f"{HOME}{link.pk}/look/", {"what": "minutes"})
    assert "What you looked at" in seen.content.decode()
    for page in ("/", "/account/", HOME, "/help/"):
        assert "Gale looked at your minutes at" in kim.get(page).content.decode()
    assert "You looked at their minutes" in gale.get(f"{HOME}{link.pk}/").content.decode()
    assert "is your guardian" not in gale.get("/").content.decode()
    assert "is your guardian" not in signed_in(world, "sam").get("/").content.decode()


def test_a_child_pages_through_every_look(world: World) -> None:
    kim, link = signed_in(world, "kim"), link_of(world)
    for _ in range(21):
        guarding.look(guardian=link.guardian, link_id=link.pk, what="minutes", now=timezone.now())
    guarding.look(guardian=link.guardian, link_id=link.pk, what="topics", now=timezone.now())
    first = kim.get(HOME).content.decode()
    assert first.count("Gale looked at your minutes at") + first.count("Gale looked at your topics at") == 21  # a sign
    assert 'href="?looks=2#looks">Earlier looks' in first
    for number in ("2", "77"):
        last = kim.get(HOME, {"looks": number}).content.decode()
        assert last.count("Gale looked at your minutes at") == 2
        assert 'href="?looks=1#looks">Later looks' in last
        assert "Earlier looks" not in last
    for nonsense in ("", "-1", "0", "x", "9" * 30):
        assert "Earlier looks" in kim.get(HOME, {"looks": nonsense}).content.decode()


def test_opening_the_childs_page_shows_nothing_of_the_child(world: World) -> None:
    link = link_of(world)
    Control.objects.create(subject=link.child, kind="limit", target="daily_minutes", value="77")
    html = signed_in(world, "gale").get(f"{HOME}{link.pk}/").content.decode()
    assert "Kim" in html
    assert "77" not in html
    assert not GuardianView.objects.exists()


@pytest.mark.parametrize("name", ["kim", "alex", "sam"])
def test_the_childs_page_is_the_guardians_alone(world: World, name: str) -> None:
    client, link = signed_in(world, name), link_of(world)
    assert client.get(f"{HOME}{link.pk}/").status_code == 404
    for path, given in [
        ("look", {"what": "minutes"}),
        ("limit", {"target": "sleep", "value": "20-07"}),
        ("consent", {"granted": "no"}),
    ]:
        assert client.post(f"{HOME}{link.pk}/{path}/", given).status_code == 404
    bodies: dict[str, dict[str, Any]] = {
        "looks": {"what": "minutes"},
        "limits": {"target": "sleep", "value": "20-07"},
        "consent": {"granted": False},
    }
    for path, body in bodies.items():
        method = "post" if path == "looks" else "put"
        assert send(client, method, f"guardians/links/{link.pk}/{path}", body).status_code == 404
    assert not GuardianView.objects.exists()
    assert not Control.objects.filter(by_guardian=True).exists()


def test_who_is_not_signed_in_sees_nothing(world: World) -> None:
    link = link_of(world)
    assert Client().get(HOME).status_code == 302
    assert Client().get(f"{HOME}{link.pk}/").status_code == 302
    assert send(Client(), "get", "guardians").status_code == 401


def test_a_link_is_made_by_both_sides_through_the_pages(world: World) -> None:
    alex, sam = signed_in(world, "alex"), signed_in(world, "sam")
    html = alex.post(f"{HOME}code/", follow=True).content.decode()
    code = html.split("Your code is ")[1][:14]
    assert sam.post(f"{HOME}answer/", {"code": code}).status_code == 302
    assert not Guardianship.objects.filter(child=world.subject("sam")).exists()
    assert "I do not want to be linked" in sam.get(HOME).content.decode()
    assert "<strong>Sam</strong> answered your code" in alex.get(HOME).content.decode()
    invite = GuardianInvite.objects.get()
    assert signed_in(world, "gale").post(f"{HOME}codes/{invite.pk}/confirm/").status_code == 409
    assert alex.post(f"{HOME}codes/{invite.pk}/confirm/").status_code == 302
    assert "Alex is your guardian" in sam.get("/").content.decode()
    assert sam.post(f"{HOME}{Guardianship.objects.get(child=world.subject('sam')).pk}/unlink/").status_code == 302
    assert "is your guardian" not in sam.get("/").content.decode()


def test_a_guardians_limit_closes_the_childs_feed_and_the_child_cannot_loosen_it(world: World) -> None:
    gale, kim, link = signed_in(world, "gale"), signed_in(world, "kim"), link_of(world)
    for value in ("00-12", "12-24"):
        assert gale.post(f"{HOME}{link.pk}/limit/", {"target": "sleep", "value": value}).status_code == 302
        kim.post(f"{HOME}limit/", {"target": "sleep", "value": "00-12" if value == "12-24" else "12-24"})
    assert kim.get("/").status_code == 403
    html = kim.get(HOME).content.decode()
    assert "Set by your guardian" in html
    assert "<dt>hours of sleep</dt><dd>12-24</dd>" in html
    assert kim.post(f"{HOME}limit/", {"target": "sleep", "value": "03-04"}).status_code == 302
    assert Control.objects.get(subject=link.child, target="sleep", by_guardian=True).value == "12-24"


def test_consent_takes_a_verified_guardian(world: World) -> None:
    gale, link = signed_in(world, "gale"), link_of(world)
    refused = gale.post(f"{HOME}{link.pk}/consent/", {"granted": "yes"})
    assert refused.status_code == 409
    assert "16 CFR 312.5" in refused.content.decode()
    Subject.objects.filter(pk=link.guardian_id).update(assurance=Assurance.VERIFIED)
    assert signed_in(world, "gale").post(f"{HOME}{link.pk}/consent/", {"granted": "yes"}).status_code == 302
    assert (
        send(signed_in(world, "gale"), "put", f"guardians/links/{link.pk}/consent", {"granted": False}).status_code
        == 204
    )


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("answer/", {"code": "AAAA"}),
        ("limit/", {"target": "daily_minutes", "value": "0"}),
        ("limit/", {"target": "sleep", "value": "9"}),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(world: World, path: str, given: dict[str, str]) -> None:
    answer = signed_in(world, "kim").post(HOME + path, given)
    assert answer.status_code == 409
    assert "data-sentence" in answer.content.decode()


@pytest.mark.parametrize("path", ["answer/", "limit/", "time-zone/"])
def test_nonsense_is_a_400(world: World, path: str) -> None:
    assert signed_in(world, "kim").post(HOME + path, {"zone": "Mars", "target": "x"}).status_code == 400


def test_a_time_zone_is_changed_once_a_day(world: World) -> None:
    kim = signed_in(world, "kim")
    assert kim.post(f"{HOME}time-zone/", {"zone": "Europe/Berlin"}).status_code == 302
    assert kim.post(f"{HOME}time-zone/", {"zone": "Asia/Tokyo"}).status_code == 409
    assert world.subject("kim").timezone == "Europe/Berlin"


def test_the_api_does_what_the_pages_do(world: World) -> None:
    gale, kim, link = signed_in(world, "gale"), signed_in(world, "kim"), link_of(world)
    seen = send(gale, "post", f"guardians/links/{link.pk}/looks", {"what": "topics"})
    assert (seen.status_code, seen.json()) == (201, {"what": "topics", "days": [], "topics": []})
    said = send(kim, "get", "guardians").json()
    assert [one["name"] for one in said["guardians"]] == ["Gale"]
    assert [(one["who"], one["what"]) for one in said["looks"]] == [("Gale", "topics")]
    assert (
        send(gale, "put", f"guardians/links/{link.pk}/limits", {"target": "daily_minutes", "value": "9"}).status_code
        == 204
    )
    assert send(kim, "put", "limits", {"target": "daily_minutes", "value": "600"}).status_code == 204
    assert send(kim, "put", "limits", {"target": "daily_minutes", "value": "zero"}).status_code == 409
    assert send(kim, "delete", f"guardians/links/{link.pk}").status_code == 409
    assert send(signed_in(world, "alex"), "delete", f"guardians/links/{link.pk}").status_code == 404
    assert send(gale, "delete", f"guardians/links/{link.pk}").status_code == 204
    assert not Control.objects.filter(by_guardian=True).exists()


def test_a_link_is_made_by_both_sides_through_the_api(world: World) -> None:
    alex, sam = signed_in(world, "alex"), signed_in(world, "sam")
    code = send(alex, "post", "guardians/codes", {}).json()["code"]
    assert send(sam, "post", "guardians/answers", {"code": "wrong"}).status_code == 409
    invite = send(sam, "post", "guardians/answers", {"code": code}).json()["invite"]
    assert send(sam, "post", "guardians/confirmations", {"invite": invite}).status_code == 409
    assert send(alex, "post", "guardians/confirmations", {"invite": invite}).status_code == 201
    tools = send(alex, "get", "guardians").json()["children"][0]["tools"]
    assert tools == ["minutes", "limits", "consent"]
    assert world.subject("sam").tier == Tier.TEEN
