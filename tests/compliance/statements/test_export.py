"""Statements reach the public database once each, over real HTTP, whatever goes wrong on the way (D24)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from compliance.statements.errors import DecisionRefused
from compliance.statements.export import schema
from compliance.statements.export.backlog import backlog
from compliance.statements.export.client import Client
from compliance.statements.export.reconciling import reconcile
from compliance.statements.export.sending import send_waiting
from compliance.statements.models import Decision, Ground, Kind, Source, State, Submission
from compliance.statements.services import decide
from compliance.statements.standin.server import StandIn, standing_in
from compliance.statements.standin.store import Limits
from compliance.statements.tasks import client_of_settings, export_waiting
from tests.compliance.statements.conftest import SERVICE, Made, item_of

TOKEN = "1|a-secret-token"


@pytest.fixture(name="standin")
def _standin(settings: Any) -> Iterator[StandIn]:
    with standing_in(token=TOKEN) as standin:
        settings.STATEMENTS = {**settings.STATEMENTS, "url": standin.url, "token": TOKEN}
        yield standin


def client(standin: StandIn) -> Client:
    return Client(url=standin.url, token=TOKEN, patience_s=5)


def decided(made: Made, count: int) -> list[Decision]:
    """So many decisions about so many items."""
    return [decide(service=SERVICE, new=made.new(item_id=item_of(made.creator, 100 + n).pk)) for n in range(count)]


def states() -> dict[str, int]:
    return {str(state): Submission.objects.filter(state=state).count() for state in State}


def due() -> None:
    """As if the time until the next attempt had passed."""
    Submission.objects.filter(state=State.WAITING).update(due_at=timezone.now())


def test_everything_that_waits_is_sent_in_batches_of_at_most_100(made: Made, standin: StandIn) -> None:
    decided(made, 101)
    sent = send_waiting(client(standin))
    assert (sent.created, sent.refused, sent.halted, sent.requests) == (101, 0, "", 2)
    assert len(standin.store.held) == 101
    row = Submission.objects.order_by("pk")[0]
    assert (row.state, row.attempts) == (State.SENT, 1)
    assert standin.store.held[str(row.pk)]["uuid"] == row.public_id
    assert send_waiting(client(standin)).requests == 0  # twice sends nothing twice


def test_the_body_says_what_was_decided_and_nothing_personal(made: Made, standin: StandIn, settings: Any) -> None:
    new = made.new(
        kind=Kind.REMOVED,
        amount=None,
        facts="Marta Lindqvist shows the card 4111 1111 1111 1111 of marta@example.org at minute 4.",
        territories=("DE", "US"),
        ends_at=datetime(2027, 1, 2, tzinfo=UTC),
        starts_at=datetime(2026, 11, 3, tzinfo=UTC),
    )
    means = replace(new.means, source=Source.NOTICE, source_identity="Joan Smith")
    reasons = replace(new.reasons, ground=Ground.ILLEGAL, also_illegal=None, reference="StGB § 263")
    decision = decide(service=SERVICE, new=replace(new, means=means, reasons=reasons))
    send_waiting(client(standin))
    body = json.loads(bytes(Submission.objects.get(decision=decision).body or b""))
    assert body == {
        "puid": str(decision.id),
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
        "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
        "illegal_content_legal_ground": "StGB § 263",
        "illegal_content_explanation": "A title must not promise what the film does not show.",
        "category": "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
        "category_specification": ["KEYWORD_INAUTHENTIC_LISTINGS"],
        "content_type": ["CONTENT_TYPE_VIDEO"],
        "content_language": "EN",
        "content_date": "2025-03-04",
        "application_date": "2026-11-03",
        "end_date_visibility_restriction": "2027-01-02",
        "territorial_scope": ["DE"],
        "decision_facts": "[name removed] shows the card [card removed] of [e-mail removed] at minute 4.",
        "source_type": "SOURCE_ARTICLE_16",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_PARTIALLY",
    }


def test_an_answer_that_was_lost_is_found_out_by_comparing(made: Made, standin: StandIn) -> None:
    decided(made, 3)
    standin.lose = 1
    assert "no answer" in send_waiting(client(standin)).halted
    assert states()["waiting"] == len(standin.store.held) == 3
    due()
    sent = send_waiting(client(standin))
    assert (sent.created, sent.was_there, sent.different) == (0, 3, 0)
    assert states() == {"waiting": 0, "sent": 3, "refused": 0, "different": 0}
    assert Submission.objects.filter(was_there=True).count() == 3


def test_another_body_under_our_identifier_is_named_and_never_taken_for_ours(made: Made, standin: StandIn) -> None:
    first, second = decided(made, 2)
    body = {**json.loads(_body(first)), "automated_detection": "No", "territorial_scope": ["DE"]}
    assert standin.store.one(body)[0] == 201
    sent = send_waiting(client(standin))
    assert (sent.created, sent.different) == (1, 1)
    row = Submission.objects.get(decision=first)
    assert row.state == State.DIFFERENT
    assert row.problem.endswith("these differ: automated_detection, territorial_scope.")
    assert Submission.objects.get(decision=second).state == State.SENT
    assert "another body" in backlog(timezone.now()).alarm


def _body(decision: Decision) -> bytes:
    from compliance.statements.export.body import body_of, bytes_of

    return bytes_of(body_of(decision))


def test_one_wrong_statement_does_not_hold_up_the_others(made: Made, standin: StandIn) -> None:
    decisions = decided(made, 3)
    broken = {**json.loads(_body(decisions[1])), "category": "STATEMENT_CATEGORY_UNKNOWN"}
    Submission.objects.filter(decision=decisions[1]).update(body=json.dumps(broken).encode())
    sent = send_waiting(client(standin))
    assert (sent.created, sent.refused) == (2, 1)
    assert "The selected category is invalid." in Submission.objects.get(decision=decisions[1]).problem


def test_what_breaks_a_rule_is_not_sent_at_all(made: Made, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(service=SERVICE, new=made.new(ends_at=datetime(2037, 1, 1, tzinfo=UTC)))
    monkeypatch.setattr(schema, "LAST_DATE", date(2036, 1, 1))  # a rule that changed since it was decided
    sent = send_waiting(client(standin))
    assert (sent.refused, sent.requests) == (1, 0)
    assert "end_date_visibility_restriction is no day" in Submission.objects.get().problem


def test_content_older_than_the_databases_first_date_is_of_that_date(made: Made, standin: StandIn) -> None:
    made.item.published_at = datetime(1994, 9, 23, tzinfo=UTC)
    made.item.save()
    decision = decide(service=SERVICE, new=made.new())
    assert send_waiting(client(standin)).created == 1
    assert standin.store.held[str(decision.id)]["content_date"] == "2000-01-01"
    assert reconcile()[0].mismatches == 0


@pytest.mark.parametrize(("status", "words"), [(429, "patience"), (500, "answered 500"), (503, "answered 503")])
def test_patience_is_kept_and_grows(made: Made, standin: StandIn, status: int, words: str) -> None:
    decided(made, 2)
    standin.fail = [status, status]
    waits = []
    for _ in range(2):
        due()
        assert words in send_waiting(client(standin)).halted
        waits.append((Submission.objects.all()[0].due_at - timezone.now()).total_seconds())
    assert 20 < waits[0] <= 30 < waits[1] <= 60
    assert send_waiting(client(standin)).requests == 0  # not before its time
    due()
    assert send_waiting(client(standin)).created == 2


def test_the_databases_own_rate_limit_is_met_with_the_wait_that_it_asks_for(made: Made) -> None:
    decided(made, 101)
    with standing_in(token=TOKEN, limits=Limits(per_minute=1)) as standin:
        sent = send_waiting(client(standin))
        assert sent.created == 100
        assert "patience" in sent.halted
        wait = (Submission.objects.get(state=State.WAITING).due_at - timezone.now()).total_seconds()
        assert wait > 50


def test_a_wrong_token_sends_nothing_and_says_which_setting(made: Made, standin: StandIn) -> None:
    decided(made, 1)
    sent = send_waiting(Client(url=standin.url, token="2|wrong"))
    assert "CLERESTORY_STATEMENTS_TOKEN" in sent.halted
    assert standin.store.held == {}
    assert "wrong" not in repr(Client(url=standin.url, token="2|wrong"))


def test_nobody_at_the_address_is_no_error_and_is_tried_again(made: Made) -> None:
    decided(made, 1)
    sent = send_waiting(Client(url="http://127.0.0.1:9", token=TOKEN, patience_s=1))
    assert "no answer" in sent.halted
    assert states()["waiting"] == 1


@pytest.mark.parametrize(("url", "token"), [("http://tdb.example", "t"), ("ftp://x", "t"), ("https://tdb.example", "")])
def test_the_token_never_travels_in_the_clear(url: str, token: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CLERESTORY_STATEMENTS"):
        Client(url=url, token=token)


def test_an_identifier_can_be_asked_for(made: Made, standin: StandIn) -> None:
    (decision,) = decided(made, 1)
    assert client(standin).is_there(str(decision.id)) is False
    send_waiting(client(standin))
    assert client(standin).is_there(str(decision.id)) is True


def test_the_alarm_rings_before_a_day_has_passed_and_only_where_statements_are_sent(
    made: Made, standin: StandIn, settings: Any
) -> None:
    decided(made, 1)
    now = timezone.now()
    assert backlog(now).alarm == ""
    assert backlog(now + timedelta(hours=19)).alarm == ""
    late = backlog(now + timedelta(hours=21))
    assert "for 21 hours" in late.alarm
    assert late.oldest_s == pytest.approx(21 * 3600, abs=60)
    settings.STATEMENTS = {**settings.STATEMENTS, "url": ""}
    assert backlog(now + timedelta(hours=21)).alarm == ""


def test_the_task_does_what_waits_and_nothing_where_there_is_no_address(
    made: Made, standin: StandIn, settings: Any
) -> None:
    decided(made, 2)
    assert export_waiting() == ""
    assert states()["sent"] == 2
    settings.STATEMENTS = {**settings.STATEMENTS, "url": ""}
    assert client_of_settings() is None
    assert export_waiting() == ""


def test_the_command_sends_and_says_what_waits(made: Made, standin: StandIn) -> None:
    decided(made, 2)
    out = StringIO()
    call_command("statements", "export", stdout=out)
    call_command("statements", "backlog", stdout=out)
    call_command("statements", "reconcile", "--ask", "2", stdout=out)
    call_command("statements", "unstated", stdout=out)
    said = out.getvalue()
    assert "2 sent, 0 were there already, 0 refused" in said
    assert "0 waiting, 0 refused, 0 held otherwise: nothing" in said
    assert "0 mismatches (0.0000%), 0 missing" in said
    assert "0 applied penalties without a statement" in said
    standin.store.held.clear()
    with pytest.raises(CommandError):
        call_command("statements", "reconcile", "--ask", "2", stdout=out)
    assert "the database does not have it" in out.getvalue()


@dataclass(kw_only=True)
class Stalling(Limits):
    """A database that asks for any patience."""

    asked: int = 0

    def wait(self, now: float) -> int:
        return self.asked


@pytest.mark.parametrize("asked", [31_536_000, 10**15, 10**4000], ids=["a-year", "16-digits", "4001-digits"])
def test_no_answer_makes_a_statement_wait_longer_than_an_hour(made: Made, asked: int) -> None:
    decided(made, 1)
    with standing_in(token=TOKEN, limits=Stalling(asked=asked)) as standin:
        assert "patience" in send_waiting(client(standin)).halted
    assert (Submission.objects.get().due_at - timezone.now()).total_seconds() <= 3600


@pytest.mark.parametrize(
    "dates",
    [
        {"starts_at": datetime(2019, 12, 31, 23, tzinfo=UTC)},
        {"starts_at": datetime(2038, 1, 2, tzinfo=UTC)},
        {"ends_at": datetime(2038, 1, 2, tzinfo=UTC)},
    ],
    ids=["before-the-first", "after-the-last", "ends-after-the-last"],
)
def test_a_decision_that_could_never_be_published_is_refused(made: Made, dates: dict[str, datetime]) -> None:
    with pytest.raises(DecisionRefused, match="could not be published"):
        decide(service=SERVICE, new=made.new(**dates))
