"""Complaints: free, with evidence, closed by a person who did not decide, answered with reasons (DSA Art. 20 (D20))."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from compliance.statements.complaints import complain, open_until, reject, uphold
from compliance.statements.errors import ComplaintRefused, NotReviewable
from compliance.statements.evidence import MOST_BYTES, accept
from compliance.statements.models import Complaint, CreatorAccount, Decision, Evidence, Reversal, Statement
from compliance.statements.selectors import penalties
from compliance.statements.services import decide, link_creator, reverse
from compliance.subjects.models import Subject
from tests.compliance.statements.conftest import NOW, SERVICE, Made

WHY = "The film shows the cure at minute 43; the reviewer stopped too early."
REASONS = "Minute 43 does show it, so that the title is not misleading."
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.fixture(name="statement")
def _statement(made: Made, settings: Any, tmp_path: Path) -> Statement:
    settings.MEDIA_ROOT = tmp_path
    return Statement.objects.get(decision=decide(service=SERVICE, new=made.new(), now=NOW))


def complained(made: Made, statement: Statement, **more: Any) -> Complaint:
    return complain(**{"statement": statement, "complainant": made.owner, "text": WHY, "now": NOW, **more})


def test_an_upheld_complaint_reverses_the_decision_and_the_next_slate_is_free(made: Made, statement: Statement) -> None:
    asked: dict[str, Any] = {"territory": "DE", "audience": "adult", "now": NOW}
    complaint = complained(made, statement)
    assert made.item.pk in penalties(SERVICE, [made.item.pk], **asked)
    closed = uphold(complaint=complaint, reviewer=made.colleague, reasons=REASONS, now=NOW)
    assert penalties(SERVICE, [made.item.pk], **asked) == {}
    assert (closed.outcome, closed.reasons) == ("upheld", REASONS)
    assert "Art. 21" in closed.redress
    reversal = Reversal.objects.get(decision_id=statement.pk)
    assert (reversal.by, reversal.reasons) == (made.colleague, REASONS)
    assert Decision.objects.get(pk=statement.pk).amount == 250  # as it was


def test_a_rejected_complaint_leaves_the_decision_and_names_the_next_body(made: Made, statement: Statement) -> None:
    closed = reject(complaint=complained(made, statement), reviewer=made.colleague, reasons=REASONS, now=NOW)
    assert not Reversal.objects.exists()
    assert "out-of-court" in closed.redress


def test_no_machine_closes_a_complaint_and_not_who_decided(made: Made, statement: Statement) -> None:
    complaint = complained(made, statement)
    for close in (uphold, reject):
        with pytest.raises(NotReviewable, match="closed by a person"):
            close(complaint=complaint, reviewer=made.machine, reasons=REASONS, now=NOW)
        with pytest.raises(NotReviewable, match="somebody else"):
            close(complaint=complaint, reviewer=made.moderator, reasons=REASONS, now=NOW)
        with pytest.raises(ComplaintRefused, match="reasoned"):
            close(complaint=complaint, reviewer=made.colleague, reasons="No.", now=NOW)
    assert Complaint.objects.get().outcome == ""


def test_nobody_closes_a_complaint_about_an_item_of_their_own(made: Made, statement: Statement) -> None:
    complaint = complained(made, statement)
    co_author, stranger = (Subject.objects.create(service=SERVICE, tier="adult") for _ in range(2))
    link_creator(creator=made.creator, subject=co_author, now=NOW)
    asked: dict[str, Any] = {"complaint": complaint, "reviewer": made.colleague, "reasons": REASONS, "now": NOW}
    for mine in (made.owner, co_author):
        for close in (uphold, reject):
            with pytest.raises(NotReviewable, match="yours"):
                close(**asked, reviewer_subject_id=mine.pk)
    assert reject(**asked, reviewer_subject_id=stranger.pk).outcome == "rejected"


def test_no_complaint_is_upheld_while_its_decision_stands(made: Made, statement: Statement) -> None:
    complained(made, statement)
    uphold_by_sql = CLOSE.replace("rejected", "upheld")
    with pytest.raises(DatabaseError, match="upheld by reversing"):
        sql(uphold_by_sql, made.colleague.pk, "person")
    reverse(decision=statement.decision, by=made.colleague, reasons=REASONS, now=NOW)
    sql(uphold_by_sql, made.colleague.pk, "person")


CLOSE = (
    "UPDATE statements_complaint SET outcome = 'rejected', reviewer_id = %s, reviewer_kind = %s, reasons = 'r', "
    "redress = 'r', closed_at = now()"
)


def sql(text: str, *values: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_holds_to_it_without_the_service(made: Made, statement: Statement) -> None:
    complained(made, statement)
    with pytest.raises(IntegrityError, match="closed_by_a_person"):
        sql(CLOSE, made.machine.pk, "machine")
    with pytest.raises(IntegrityError, match="reviewer_is_of_that_kind"):  # a machine that says it is a person
        sql(CLOSE, made.machine.pk, "person")
    with pytest.raises(IntegrityError, match="not_closed_by_the_decider"):
        sql(CLOSE, made.moderator.pk, "person")
    with pytest.raises(IntegrityError, match="closed_by_a_person"):
        sql("UPDATE statements_complaint SET outcome = 'rejected', closed_at = now(), reasons = 'r', redress = 'r'")
    with pytest.raises(IntegrityError, match="decider_is_the_decisions"):  # a decider who is not the decision's
        sql("UPDATE statements_complaint SET decider_id = %s", made.machine.pk)
    sql(CLOSE, made.colleague.pk, "person")


@pytest.mark.parametrize(
    "change",
    ["UPDATE statements_complaint SET outcome = 'upheld'", "DELETE FROM statements_complaint"],
)
def test_a_closed_complaint_is_not_changed(made: Made, statement: Statement, change: str) -> None:
    closed = reject(complaint=complained(made, statement), reviewer=made.colleague, reasons=REASONS, now=NOW)
    with pytest.raises(DatabaseError, match="never changed"):
        sql(change)
    with pytest.raises(NotReviewable, match="is closed"):
        uphold(complaint=closed, reviewer=made.colleague, reasons=REASONS, now=NOW)


def test_what_a_complaint_says_is_not_changed_while_it_is_open(made: Made, statement: Statement) -> None:
    complained(made, statement)
    with pytest.raises(DatabaseError, match="never changed"):
        sql("UPDATE statements_complaint SET text = 'something else'")


def test_six_months_and_no_less_from_when_it_was_delivered(made: Made, statement: Statement) -> None:
    later = Subject.objects.create(service=SERVICE)
    link_creator(creator=made.creator, subject=later, now=NOW + timedelta(days=100))
    assert open_until(statement, made.owner) == NOW + timedelta(days=184)
    assert open_until(statement, later) == NOW + timedelta(days=284)
    with pytest.raises(ComplaintRefused, match="out-of-court"):
        complained(made, statement, now=NOW + timedelta(days=184, seconds=1))
    complained(made, statement, now=NOW + timedelta(days=184))
    complained(made, statement, complainant=later, now=NOW + timedelta(days=200))


def test_only_whom_it_concerns_complains(made: Made, statement: Statement) -> None:
    outsider = Subject.objects.create(service=SERVICE)
    with pytest.raises(ComplaintRefused, match="not sent to you"):
        complained(made, statement, complainant=outsider)
    CreatorAccount.objects.all().delete()  # whose it no longer is
    with pytest.raises(ComplaintRefused, match="not sent to you"):
        complained(made, statement)


def test_one_open_complaint_each_and_none_about_what_was_reversed(made: Made, statement: Statement) -> None:
    first = complained(made, statement)
    with pytest.raises(ComplaintRefused, match="being looked at"):
        complained(made, statement)
    reject(complaint=first, reviewer=made.colleague, reasons=REASONS, now=NOW)
    uphold(complaint=complained(made, statement), reviewer=made.colleague, reasons=REASONS, now=NOW)
    with pytest.raises(ComplaintRefused, match="nothing left"):
        complained(made, Statement.objects.get(pk=statement.pk))


@pytest.mark.parametrize("text", ["", "  \n", "x" * 5001, "a\x00b"], ids=["empty", "blank", "long", "nul"])
def test_a_complaint_without_words_or_with_too_many_is_refused(made: Made, statement: Statement, text: str) -> None:
    with pytest.raises(ComplaintRefused, match="1 to 5000"):
        complained(made, statement, text=text)


def test_evidence_is_kept_under_a_name_that_nothing_runs(made: Made, statement: Statement) -> None:
    files = [
        accept(name="../../shot.php", content=PNG),
        accept(name="C:\\mail\\note <b>.txt", content="Grüße\n".encode()),
    ]
    complaint = complained(made, statement, evidence=files)
    kept = list(Evidence.objects.filter(complaint=complaint).order_by("name"))
    assert [(one.name, one.media_type, one.size) for one in kept] == [
        ("note _b_.txt", "text/plain", 8),
        ("shot.php", "image/png", 28),
    ]
    for one in kept:
        assert one.file.name == f"statements/evidence/{one.id.hex}"
        assert (Path(settings.MEDIA_ROOT) / one.file.name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ\x90\x00", b"#!/bin/sh\x07", b"PK\x03\x04zip", b"\xff\xfe\x00text", PNG + b"x" * MOST_BYTES],
    ids=["empty", "exe", "control", "zip", "utf16", "large"],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ComplaintRefused):
        accept(name="file.png", content=content)


def test_so_many_files_and_no_more(made: Made, statement: Statement) -> None:
    files = [accept(name=f"{number}.txt", content=b"x") for number in range(6)]
    with pytest.raises(ComplaintRefused, match="At most 5 files"):
        complained(made, statement, evidence=files)
    assert not Complaint.objects.exists()
