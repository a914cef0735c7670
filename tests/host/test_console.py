"""The operators' admin site: behind our sign-in, and read-only where rows are evidence."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from compliance.audit.models import AuditEvent, ServeRecord
from ranking.catalogue.models import Event
from tests.acts import latest
from tests.conftest import World


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    client.force_login(world.user("ada"))
    return client


def test_operators_sign_in_like_everybody_else(world: World, client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")


@pytest.mark.parametrize("name", ["alex", "kim", "rhea", "greg"])
def test_only_operators_get_in(world: World, name: str) -> None:
    client = Client()
    client.force_login(world.user(name))
    assert "Site administration" not in client.get("/admin/", follow=True).content.decode()


def test_records_models_and_events_can_be_looked_at_only(ada: Client, world: World) -> None:
    other = Client()
    other.force_login(world.user("alex"))
    other.get("/")
    record = ServeRecord.objects.get()
    for address in ("/admin/", "/admin/audit/serverecord/", "/admin/ranker/modelversion/", "/admin/catalogue/event/"):
        assert ada.get(address).status_code == 200, address
    html = ada.get(f"/admin/audit/serverecord/{record.pk}/change/").content.decode()
    assert str(record.pseudonym) not in html
    assert ada.post(f"/admin/audit/serverecord/{record.pk}/change/", {"surface": "x"}).status_code == 403
    assert ada.post(f"/admin/audit/serverecord/{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert ada.get("/admin/audit/serverecord/add/").status_code == 403


def test_the_console_does_not_say_which_subject_an_account_or_an_event_belongs_to(ada: Client, world: World) -> None:
    alex = world.user("alex")
    event = Event.objects.filter(subject_id=alex.subject_id)[0]
    for address in (
        f"/admin/accounts/user/{alex.pk}/change/",
        "/admin/catalogue/event/",
        f"/admin/catalogue/event/{event.pk}/change/",
    ):
        response = ada.get(address)
        assert response.status_code == 200
        assert str(alex.subject_id) not in response.content.decode(), address


@pytest.mark.parametrize("address", ["mfa/authenticator/", "account/emailaddress/", "usersessions/usersession/"])
def test_second_factors_addresses_and_sessions_are_not_in_the_console(ada: Client, address: str) -> None:
    assert ada.get(f"/admin/{address}").status_code == 404


def test_an_account_can_be_added_by_e_mail_address(ada: Client, world: World) -> None:
    data = {
        "email": "mo@demo.example",
        "role": "person",
        "usable_password": "true",
        "password1": "a-long-passphrase-9",
        "password2": "a-long-passphrase-9",
    }
    assert ada.get("/admin/accounts/user/add/").status_code == 200
    assert ada.post("/admin/accounts/user/add/", data).status_code == 302
    assert world.user("mo").subject is None
    assert ada.get(f"/admin/accounts/user/{world.user('mo').pk}/change/").status_code == 200


def test_each_look_at_records_is_on_record_itself_and_one_that_cannot_be_is_refused(
    ada: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks() -> int:
        return AuditEvent.objects.filter(kind="staff_view").count()

    assert ada.get("/admin/audit/serverecord/?surface=home").status_code == 200
    assert looks() == 1
    said = latest("staff_view") or {}
    assert said["by"] == {"account": world.user("ada").pk}
    assert (said["path"], said["query"]) == ("/admin/audit/serverecord/", "surface=home")
    ada.get("/admin/ranker/modelversion/")
    assert looks() == 1

    def full(**_: object) -> None:
        raise OperationalError("no space left")

    monkeypatch.setattr("host.dashboard.admin.note", full)
    with pytest.raises(OperationalError):
        ada.get("/admin/audit/serverecord/")
