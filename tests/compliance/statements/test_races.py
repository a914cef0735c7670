"""Two at the same moment: one decision, one answer to a complaint, one sending of a statement."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from compliance.statements.complaints import complain, reject, uphold
from compliance.statements.errors import AlreadyDecided, NotReviewable
from compliance.statements.export.client import Client
from compliance.statements.export.sending import send_waiting
from compliance.statements.models import Complaint, Decision, Reversal, Statement, Submission
from compliance.statements.services import decide
from compliance.statements.standin.server import standing_in
from tests.compliance.statements.conftest import SERVICE, Made, item_of

pytestmark = pytest.mark.django_db(transaction=True)
REASONS = "Minute 43 does show it, so that the title is not misleading."


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each act gave or raised, all begun at once, each on a connection of its own."""
    start, outcomes = Barrier(len(acts)), [None] * len(acts)

    def run(place: int) -> None:
        try:
            start.wait(timeout=10)
            outcomes[place] = acts[place]()
        except (AlreadyDecided, NotReviewable) as error:
            outcomes[place] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return outcomes


def test_of_two_decisions_on_one_scope_one_is_taken(made: Made) -> None:
    outcomes = together(*[lambda: decide(service=SERVICE, new=made.new())] * 4)
    taken = [one for one in outcomes if isinstance(one, Decision)]
    refused = [one for one in outcomes if isinstance(one, AlreadyDecided)]
    assert (len(taken), len(refused)) == (1, 3)
    assert {one.decision_id for one in refused} == {taken[0].id}
    assert Decision.objects.count() == Statement.objects.count() == 1


def test_of_two_answers_to_a_complaint_one_counts(made: Made) -> None:
    statement = Statement.objects.get(decision=decide(service=SERVICE, new=made.new()))
    complaint = complain(statement=statement, complainant=made.owner, text="Look at minute 43 again, please.")
    outcomes = together(
        lambda: uphold(complaint=complaint, reviewer=made.colleague, reasons=REASONS),
        lambda: reject(complaint=complaint, reviewer=made.colleague, reasons=REASONS),
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Complaint", "NotReviewable"]
    upheld = Complaint.objects.get().outcome == "upheld"
    assert Reversal.objects.exists() is upheld


def test_two_who_send_at_once_send_each_statement_once(made: Made) -> None:
    for number in range(110):
        decide(service=SERVICE, new=made.new(item_id=item_of(made.creator, 100 + number).pk))
    with standing_in(token="1|t") as standin:
        client = Client(url=standin.url, token="1|t")
        first, second = together(*[lambda: send_waiting(client)] * 2)
    assert (first.different, second.different, first.was_there + second.was_there) == (0, 0, 0)
    assert first.created + second.created == len(standin.store.held) == 110
    assert not Submission.objects.exclude(state="sent").exists()
