"""Every field that was sent is derived again by code that shares nothing with what sent it (AC-SOR (D24))."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from compliance.statements.export import body as building
from compliance.statements.export.body import body_of, bytes_of
from compliance.statements.export.readback import READERS, mismatches
from compliance.statements.export.reconciling import rate_of, reconcile
from compliance.statements.export.rules import faults
from compliance.statements.models import Decision, Ground, Kind, Reconciliation, Source, State, Submission
from compliance.statements.services import decide
from tests.acts import latest
from tests.compliance.statements.conftest import SERVICE, Made


def sent(made: Made, **changes: Any) -> Submission:
    """A decision that went out, as its body says."""
    decision = decide(service=SERVICE, new=made.new(**changes))
    return _sent(decision)


def _sent(decision: Decision) -> Submission:
    row = Submission.objects.get(decision=decision)
    row.body, row.state, row.sent_at = bytes_of(body_of(decision)), State.SENT, timezone.now()
    row.save()
    return row


def full(made: Made) -> Submission:
    """A decision in which every field that can be set is."""
    new = made.new(
        kind=Kind.AGE_RESTRICTED, amount=None, territories=("DE", "US-CA"), ends_at=timezone.now() + timedelta(days=9)
    )
    reasons = replace(
        new.reasons,
        keywords=("OTHER", "NUDITY"),
        keyword_other="a thing",
        more_categories=("VIOLENCE",),
        url="https://terms.example/4#2",
    )
    means = replace(new.means, source=Source.TRUSTED_FLAGGER, source_identity="The Film Guild")
    content = replace(
        new.content, types=("OTHER", "VIDEO"), type_other="a loop", account_type="business", ean="0123456789123"
    )
    return _sent(decide(service=SERVICE, new=replace(new, reasons=reasons, means=means, content=content)))


def illegal(made: Made) -> Submission:
    """One on the ground of a law."""
    new = made.new(kind=Kind.DISABLED, amount=None, rule="law.x")
    return _sent(
        decide(
            service=SERVICE,
            new=replace(new, reasons=replace(new.reasons, ground=Ground.ILLEGAL, also_illegal=None)),
        )
    )


def test_what_was_sent_as_decided_has_no_mismatch(made: Made) -> None:
    for row in (sent(made), full(made), illegal(made)):
        assert faults(json.loads(bytes(row.body or b""))) == {}
    made_now, wrong = reconcile()
    assert (made_now.statements, made_now.mismatches, wrong) == (3, 0, [])
    assert made_now.fields == 3 * len(READERS)


@pytest.mark.parametrize("make", [sent, full, illegal], ids=["plain", "full", "illegal"])
def test_every_field_that_was_sent_is_looked_at(made: Made, make: Callable[[Made], Submission]) -> None:
    row = make(made)
    body = json.loads(bytes(row.body or b""))
    for field, value in body.items():
        for spoilt in ("another", None) if not isinstance(value, list) else ([*value, "ANOTHER"], []):
            spoiled = {**body, field: spoilt}
            assert field in [one.field for one in mismatches(row.decision, spoiled)], (field, spoilt)
    assert [one.field for one in mismatches(row.decision, {**body, "decision_account": "x"})] == ["decision_account"]


def test_a_planted_inversion_is_found(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it happened to a large platform from September 2023 to May 2026, in the code that builds bodies."""
    monkeypatch.setattr(building, "_yes_no", lambda flag: "No" if flag else "Yes")
    row = full(made)
    assert json.loads(bytes(row.body or b""))["automated_detection"] == "No"  # and the decision says yes
    made_now, wrong = reconcile()
    assert made_now.by_field == {"automated_detection": 1, "incompatible_content_illegal": 1}
    assert wrong[0].decision_id == row.pk
    assert rate_of(made_now) == pytest.approx(2 / len(READERS))
    act = latest("statement")
    assert act is not None
    assert (act["act"], act["mismatches"]) == ("reconciled", 2)


def test_a_source_that_is_labelled_wrongly_is_found(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "SOURCES", {**building.SOURCES, Source.TRUSTED_FLAGGER: "SOURCE_ARTICLE_16"})
    full(made)
    assert reconcile()[0].by_field == {"source_type": 1}


def test_bytes_that_were_changed_after_sending_are_found(made: Made) -> None:
    row = sent(made)
    row.body = bytes(row.body or b"").replace(b'"automated_detection":"Yes"', b'"automated_detection":"No"')
    row.save()
    assert reconcile()[0].by_field == {"automated_detection": 1}
    assert Reconciliation.objects.count() == 1
