"""The API of statements: owner, other and outsider on every address; decisions whole or not at all."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from compliance.statements.export.reconciling import reconcile
from compliance.statements.models import Complaint, Decision, Evidence, State, Statement, Submission
from compliance.statements.standin.server import standing_in
from host.outbox.models import OutboxEntry
from host.outbox.services import run
from tests.conftest import World
from tests.host.statement_people import People, people

JSON = "application/json"
WHY = "The film shows the cure at minute 43; whoever looked stopped too early."
REASONS = "Minute 43 does show it, so that the title is not misleading."
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
BASE = "/api/v1/statements"


@pytest.fixture(name="they")
def _they(world: World, settings: Any, tmp_path: Path) -> People:
    settings.MEDIA_ROOT = tmp_path
    return people(world)


def body(they: People, **changes: Any) -> dict[str, Any]:
    """A decision as a moderator sends it."""
    return {
        "item": they.item.pk,
        "kind": "removed",
        "rule": "law.fraud",
        "facts": "At minute 12 the film asks for a payment in advance to an account abroad.",
        "ground": "illegal",
        "ground_reference": "Section 263 of the criminal code",
        "ground_explanation": "Payment is taken for what is never sent.",
        "category": "SCAMS_AND_FRAUD",
        "automated_detection": False,
        "automated_means": False,
        "content_types": ["VIDEO"],
        "territories": ["DE"],
        **changes,
    }


def post(client: Client, address: str, data: dict[str, Any]) -> Any:
    return client.post(address, data, content_type=JSON)


def test_each_creator_reads_their_own(they: People) -> None:
    assert they.statuses("get", BASE) == {
        "nobody": 401, "alex": 200, "sam": 200, "rhea": 200, "ada": 200, "mona": 200, "nils": 200
    }  # fmt: skip
    own = they.clients["alex"].get(BASE).json()
    assert [one["id"] for one in own["statements"]] == [str(they.decision.id)]
    assert own["next"] is None
    assert they.clients["sam"].get(BASE).json()["statements"] == []
    assert they.statuses("get", f"{BASE}/{they.decision.id}") == {
        "nobody": 401, "alex": 200, "sam": 404, "rhea": 404, "ada": 404, "mona": 404, "nils": 404
    }  # fmt: skip
    one = they.clients["alex"].get(f"{BASE}/{they.decision.id}").json()
    assert (one["kind"], one["amount"], one["can_complain"]) == ("demoted", 250, True)
    assert "minute 41" in one["text"]


def test_a_page_ends_where_the_next_begins(they: People) -> None:
    for number in range(3):
        assert post(they.clients["mona"], f"{BASE}/decisions", body(they, rule=f"r{number}")).status_code == 201
    first = they.clients["alex"].get(BASE, {"limit": 3}).json()
    second = they.clients["alex"].get(BASE, {"limit": 3, "after": first["next"]}).json()
    assert [len(first["statements"]), len(second["statements"]), second["next"]] == [3, 1, None]
    assert second["statements"][0]["id"] == str(they.decision.id)


def test_a_complaint_with_a_file_is_made_by_the_owner_alone(they: People) -> None:
    address = f"{BASE}/{they.decision.id}/complaints"
    data = {"text": WHY, "evidence": [{"name": "shot.png", "content_base64": b64encode(PNG).decode()}]}
    statuses = {name: post(client, address, data).status_code for name, client in they.clients.items()}
    assert statuses == {
        "nobody": 401, "alex": 201, "sam": 404, "rhea": 404, "ada": 404, "mona": 404, "nils": 404
    }  # fmt: skip
    assert Evidence.objects.get().sha256
    again = post(they.clients["alex"], address, data)
    assert again.status_code == 422
    assert "being looked at" in again.json()["message"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"text": WHY, "more": 1}, 400),
        ({"text": WHY, "evidence": [{"name": "a", "content_base64": "*"}]}, 400),
        ({"text": WHY, "evidence": [{"name": "a", "content_base64": b64encode(b"MZ\x00").decode()}]}, 422),
        ({"text": WHY, "evidence": [{"name": "a", "content_base64": ""}]}, 400),
        ({"text": WHY, "evidence": [{"name": "a", "content_base64": "eA=="}] * 6}, 400),
    ],
)
def test_a_wrong_complaint_stores_nothing(they: People, data: dict[str, Any], status: int) -> None:
    answer = post(they.clients["alex"], f"{BASE}/{they.decision.id}/complaints", data)
    assert answer.status_code == status
    assert not Complaint.objects.exists()


def test_review_is_for_moderators_and_for_the_one_who_did_not_decide(they: People) -> None:
    post(they.clients["alex"], f"{BASE}/{they.decision.id}/complaints", {"text": WHY})
    number = Complaint.objects.get().id
    for address in (f"{BASE}/complaints", f"{BASE}/complaints/{number}"):
        assert they.statuses("get", address) == {
            "nobody": 401, "alex": 403, "sam": 403, "rhea": 403, "ada": 403, "mona": 200, "nils": 200
        }, address  # fmt: skip
    assert they.clients["nils"].get(f"{BASE}/complaints").json()["waiting"] == 1
    closing, data = f"{BASE}/complaints/{number}/outcome", {"outcome": "rejected", "reasons": REASONS}
    for name, status in {"nobody": 401, "alex": 403, "sam": 403, "rhea": 403, "ada": 403, "mona": 409}.items():
        assert post(they.clients[name], closing, data).status_code == status, name
    short = post(they.clients["nils"], closing, {"outcome": "rejected", "reasons": "No."})
    assert short.status_code == 422
    closed = post(they.clients["nils"], closing, data)
    assert closed.status_code == 201
    assert closed.json()["complaint"]["outcome"] == "rejected"
    assert "Art. 21" in closed.json()["complaint"]["redress"]
    assert post(they.clients["nils"], closing, data).status_code == 409


def test_only_moderators_decide(they: People) -> None:
    decided = Decision.objects.count()
    for name in ("nobody", "alex", "sam", "rhea", "ada"):
        assert post(they.clients[name], f"{BASE}/decisions", body(they)).status_code in {401, 403}
    assert Decision.objects.count() == decided
    answer = post(they.clients["mona"], f"{BASE}/decisions", body(they))
    assert answer.status_code == 201
    made = Statement.objects.get(pk=answer.json()["id"])
    assert made.text == answer.json()["statement"]
    assert made.decision.decided_by.name == f"account {they.users['mona'].pk}"
    again = post(they.clients["nils"], f"{BASE}/decisions", body(they))
    assert again.status_code == 409
    assert again.json()["extra"] == {"decision": answer.json()["id"]}


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"facts": "x"}, 422, "fewer than 20"),
        ({"facts": ""}, 400, "Some fields"),
        ({"amount": 10}, 422, "only a demotion"),
        ({"kind": "demoted", "amount": 0.5}, 400, "Some fields"),
        ({"kind": "demoted", "amount": 1001}, 400, "Some fields"),
        ({"ground": "taste"}, 400, "Some fields"),
        ({"category": "FRAUD"}, 400, "Some fields"),
        ({"territories": ["Germany"]}, 400, "Some fields"),
        ({"territories": ["de"]}, 422, "no territory"),
        ({"item": 2**40}, 422, "no item"),
        ({"surprise": 1}, 400, "Some fields"),
    ],
)
def test_a_decision_that_could_not_be_stated_is_refused(
    they: People, changes: dict[str, Any], status: int, words: str
) -> None:
    before = Decision.objects.count()
    answer = post(they.clients["mona"], f"{BASE}/decisions", body(they, **changes))
    assert answer.status_code == status, answer.content
    assert words in answer.json()["message"]
    assert Decision.objects.count() == before


def test_a_decision_is_sent_through_the_outbox(they: People, settings: Any) -> None:
    with standing_in(token="1|t") as standin:
        settings.STATEMENTS = {**settings.STATEMENTS, "url": standin.url, "token": "1|t"}
        made = post(they.clients["mona"], f"{BASE}/decisions", body(they)).json()
        entry = OutboxEntry.objects.get(task="export_statements")
        assert run(entry_id=entry.id) is True
        assert run(entry_id=entry.id) is False
    assert made["id"] in standin.store.held
    assert Submission.objects.filter(state=State.SENT).count() == 2  # and the one that Mona had taken before
    assert "alex" not in str(standin.store.held)


def test_account_names_are_taken_out_of_what_is_published(they: People, settings: Any) -> None:
    facts = "The film of Alex, whose address begins with alex, shows at minute 3 what it must not."
    with standing_in(token="1|t") as standin:
        settings.STATEMENTS = {**settings.STATEMENTS, "url": standin.url, "token": "1|t"}
        made = post(they.clients["mona"], f"{BASE}/decisions", body(they, facts=facts)).json()
        run(entry_id=OutboxEntry.objects.get(task="export_statements").id)
    told = standin.store.held[made["id"]]["decision_facts"]
    assert told.startswith("The film of [name removed], whose address begins with [name removed], shows")


def test_the_mismatch_rate_is_for_everybody(they: People) -> None:
    address = f"{BASE}/reconciliation"
    assert they.clients["nobody"].get(address).json()["made_at"] is None
    reconcile()
    shown = they.clients["nobody"].get(address).json()
    assert shown["made_at"] is not None
    assert shown["mismatches"] == 0


def test_metrics_say_how_sending_fares(they: People) -> None:
    text = they.clients["nobody"].get("/metrics").content.decode()
    assert "clerestory_statements_waiting 1.0" in text
    assert "clerestory_statements_unstated 0.0" in text
    assert "clerestory_statements_alarm 0.0" in text
