"""A decision and its statement are one act; what could not be stated is not decided (DSA Art. 17 (D17))."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from compliance.statements.errors import AlreadyDecided, DecisionRefused, NoStatement
from compliance.statements.models import (
    ActorKind,
    Automation,
    Decision,
    Delivery,
    Kind,
    Source,
    Standing,
    Statement,
    Submission,
)
from compliance.statements.selectors import amount_of, penalties, require_statement, restricted_items
from compliance.statements.services import actor, decide, link_creator, reverse
from compliance.subjects.models import Subject
from ranking.catalogue.selectors import eligible_items
from tests.acts import latest
from tests.compliance.statements.conftest import NOW, SERVICE, Made, item_of

ALWAYS: dict[str, Any] = {"territory": "DE", "audience": "adult", "now": NOW}


def test_a_decision_makes_its_statement_delivery_submission_and_act_together(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(), now=NOW)
    statement = Statement.objects.get(decision=decision)
    assert "says at minute 41" in statement.text
    assert "“Film 1” is placed lower in lists: 250 thousandths" in statement.text
    assert "Terms, section 4.2" in statement.text
    assert "Automated means found it. The decision was taken by a person with automated means." in statement.text
    assert "DSA Art. 21" in statement.redress
    assert "184 days" in statement.redress
    assert Delivery.objects.get(statement=statement).subject == made.owner
    assert Submission.objects.get(decision=decision).state == "waiting"
    act = latest("statement")
    assert act is not None
    assert (act["decision"], act["amount"], act["by"]) == (str(decision.id), 250, "account 901")
    assert "minute 41" not in str(act)  # the log describes nobody


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"facts": "  "}, "no facts"),
        ({"facts": "Clickbait."}, "fewer than"),
        ({"facts": "Terms, section 4.2:  misleading TITLES"}, "only repeat the ground"),
        ({"facts": "x" * 5001}, "longer than 5000"),
        ({"rule": ""}, "no rule"),
        ({"amount": None}, "has an amount"),
        ({"amount": 1001}, "between 1 and 1000"),
        ({"kind": Kind.REMOVED}, "only a demotion"),
        ({"ends_at": NOW - timedelta(days=1)}, "end before it starts"),
        ({"territories": ("Germany",)}, "no territory"),
        ({"tiers": ("toddler",)}, "no age tier"),
        ({"item_id": 10**9}, "no item"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_not_be_stated_is_refused_whole(made: Made, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(DecisionRefused, match=word):
        decide(service=SERVICE, new=made.new(**changes), now=NOW)
    assert [model.objects.count() for model in (Decision, Statement, Standing)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ground": ""}, "no ground"),
        ({"reference": " "}, "no ground's reference"),
        ({"explanation": ""}, "no ground's explanation"),
        ({"category": ""}, "no category"),
        ({"category": "FRAUD"}, "no category"),
        ({"keywords": ("FUN",)}, "no keyword"),
        ({"keywords": ("NUDITY", "NUDITY")}, "twice"),
        ({"keyword_other": "x"}, "OTHER is not chosen"),
        ({"url": "ftp://x"}, "no web address"),
        ({"ground": "illegal"}, "also_illegal"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_ground_that_says_too_little_is_refused(made: Made, changes: dict[str, Any], word: str) -> None:
    new = made.new()
    with pytest.raises(DecisionRefused, match=word):
        decide(service=SERVICE, new=replace(new, reasons=replace(new.reasons, **changes)), now=NOW)


def test_the_automation_flag_says_who_decided(made: Made) -> None:
    new = made.new()
    for by, flag in ((made.machine, Automation.PARTIALLY), (made.moderator, Automation.FULLY)):
        means = replace(new.means, decided_by=by, automated_decision=flag)
        with pytest.raises(DecisionRefused, match="automated"):
            decide(service=SERVICE, new=replace(new, means=means), now=NOW)
    with pytest.raises(DecisionRefused, match="no notifier"):
        decide(service=SERVICE, new=replace(new, means=replace(new.means, source_identity="a guild")), now=NOW)
    means = replace(new.means, decided_by=made.machine, automated_decision=Automation.FULLY, source=Source.NOTICE)
    assert decide(service=SERVICE, new=replace(new, means=means), now=NOW).decided_by == made.machine
    with pytest.raises(DecisionRefused, match="on record as"):
        actor(name=made.machine.name, kind=ActorKind.PERSON)


def test_not_even_sql_commits_a_decision_without_its_statement(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(), now=NOW)
    columns = ", ".join(str(field.column) for field in Decision._meta.concrete_fields if field.column != "id")
    copy = (
        f"INSERT INTO statements_decision (id, {columns}) "  # noqa: S608 - columns of our own model
        f"SELECT gen_random_uuid(), {columns} FROM statements_decision WHERE id = %s"
    )
    with pytest.raises(IntegrityError, match="decision_has_its_statement"):
        _commit(copy, [decision.id])


def _commit(sql: str, values: list[Any]) -> None:
    """Run SQL and do what a commit does, and take it back where that fails."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE statements_decision SET amount = 1",
        "UPDATE statements_statement SET text = 'x'",
        "DELETE FROM statements_statement",
        "DELETE FROM statements_decision",
        "UPDATE statements_actor SET kind = 'person'",
        "UPDATE statements_reversal SET reasons = 'x'",
    ],
)
def test_nothing_on_record_is_edited(made: Made, sql: str) -> None:
    reverse(decision=decide(service=SERVICE, new=made.new(), now=NOW), by=made.colleague, reasons="A mistake.", now=NOW)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_one_decision_an_item_rule_and_scope(made: Made) -> None:
    first = decide(service=SERVICE, new=made.new(), now=NOW)
    with pytest.raises(AlreadyDecided) as refused:
        decide(service=SERVICE, new=made.new(kind=Kind.REMOVED, amount=None), now=NOW)
    assert refused.value.decision_id == first.id
    assert Decision.objects.count() == Statement.objects.count() == 1
    decide(service=SERVICE, new=made.new(territories=("DE",)), now=NOW)
    decide(service=SERVICE, new=made.new(tiers=("child",)), now=NOW)
    decide(service=SERVICE, new=made.new(rule="terms.other"), now=NOW)
    reverse(decision=first, by=made.colleague, reasons="A mistake.", now=NOW)
    again = decide(service=SERVICE, new=made.new(ends_at=NOW + timedelta(days=1)), now=NOW)
    assert again.id != first.id
    later = decide(service=SERVICE, new=made.new(), now=NOW + timedelta(days=2))  # the other has ended by itself
    assert Standing.objects.filter(decision=later).exists()


def test_a_reversal_is_a_new_entry_and_frees_the_next_slate(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(), now=NOW)
    assert made.item.pk in penalties(SERVICE, [made.item.pk], **ALWAYS)
    reverse(decision=decision, by=made.colleague, reasons="The film does show it.", now=NOW)
    assert penalties(SERVICE, [made.item.pk], **ALWAYS) == {}
    assert Decision.objects.filter(id=decision.id).exists()
    act = latest("statement")
    assert act is not None
    assert act["act"] == "reversed"
    with pytest.raises(DecisionRefused, match="reversed before"):
        reverse(decision=decision, by=made.colleague, reasons="Again.", now=NOW)


def test_penalties_come_in_one_query_the_strictest_first(made: Made) -> None:
    other, free = item_of(made.creator, 2), item_of(None, 3)
    for rule, kind, amount in (
        ("a", Kind.LABELLED, None),
        ("b", Kind.DEMOTED, 700),
        ("c", Kind.DEMOTED, 800),
        ("d", Kind.REMOVED, None),
    ):
        decide(service=SERVICE, new=made.new(rule=rule, kind=kind, amount=amount), now=NOW)
    decide(service=SERVICE, new=made.new(item_id=other.pk, amount=5), now=NOW)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = penalties(SERVICE, [made.item.pk, other.pk, free.pk], **ALWAYS)
    assert len(queries) == 1
    acting = found[made.item.pk]
    assert [(penalty.kind, penalty.amount) for penalty in acting] == [
        (Kind.REMOVED, None),
        (Kind.DEMOTED, 800),
        (Kind.DEMOTED, 700),
        (Kind.LABELLED, None),
    ]
    assert [penalty.withholds for penalty in acting] == [True, False, False, False]
    assert amount_of(acting) == 1000
    assert set(found) == {made.item.pk, other.pk}
    require_statement({item_id: [one.decision_id for one in each] for item_id, each in found.items()})


@pytest.mark.parametrize(
    ("scope", "asked", "acts"),
    [
        ({}, {}, True),
        ({"territories": ("DE",)}, {"territory": "DE"}, True),
        ({"territories": ("DE",)}, {"territory": "FR"}, False),
        ({"territories": ("EU",)}, {"territory": "FR"}, True),
        ({"territories": ("EU",)}, {"territory": "NO"}, False),
        ({"territories": ("DE",)}, {"territory": "EU"}, True),
        ({"territories": ("DE",)}, {"territory": ""}, True),
        ({"territories": ("US",)}, {"territory": "US-CA"}, True),
        ({"territories": ("US-CA",)}, {"territory": "US-NY"}, False),
        ({"tiers": ("child", "unknown")}, {"audience": "unknown"}, True),
        ({"tiers": ("child", "unknown")}, {"audience": "adult"}, False),
        ({"starts_at": NOW + timedelta(hours=1)}, {}, False),
        ({"ends_at": NOW + timedelta(hours=1)}, {"now": NOW + timedelta(hours=1)}, False),
        ({"ends_at": NOW + timedelta(hours=1)}, {"now": NOW + timedelta(minutes=59)}, True),
    ],
)
def test_a_decision_acts_in_its_scope_only(
    made: Made, scope: dict[str, Any], asked: dict[str, Any], acts: bool
) -> None:
    decide(service=SERVICE, new=made.new(**scope), now=NOW)
    assert (made.item.pk in penalties(SERVICE, [made.item.pk], **{**ALWAYS, **asked})) is acts


@pytest.mark.parametrize("kind", list(Kind), ids=str)
def test_what_is_withheld_is_not_eligible(made: Made, kind: Kind) -> None:
    free = item_of(None, 2)
    decide(service=SERVICE, new=made.new(kind=kind, amount=5 if kind == Kind.DEMOTED else None), now=NOW)
    both = [made.item.pk, free.pk]
    eligible = eligible_items(service=SERVICE, audiences=["child"], hidden=()).filter(id__in=both)
    with CaptureQueriesContext(connection) as queries:
        left = set(eligible.exclude(id__in=restricted_items(service=SERVICE, **ALWAYS)).values_list("id", flat=True))
    assert len(queries) == 1
    withheld = kind in {Kind.REMOVED, Kind.DISABLED, Kind.AGE_RESTRICTED}
    assert left == ({free.pk} if withheld else {free.pk, made.item.pk})


def test_a_penalty_without_a_statement_is_refused(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(), now=NOW)
    (acting,) = penalties(SERVICE, [made.item.pk], **ALWAYS)[made.item.pk]
    require_statement({made.item.pk: [acting.decision_id]})
    other = item_of(None, 2)
    with pytest.raises(NoStatement, match=str(other.pk)):  # a statement, but about something else
        require_statement({other.pk: [acting.decision_id]})
    with pytest.raises(NoStatement, match="take the decision first"):
        require_statement({made.item.pk: [made.owner.id]})
    assert decision.id == acting.decision_id


def test_who_is_linked_later_gets_what_was_decided_before(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(), now=NOW)
    second = Subject.objects.create(service=SERVICE)
    later = NOW + timedelta(days=30)
    link_creator(creator=made.creator, subject=second, now=later)
    assert Delivery.objects.get(statement_id=decision.id, subject=second).delivered_at == later
    with pytest.raises(DecisionRefused, match="two services"):
        link_creator(creator=made.creator, subject=Subject.objects.create(service="elsewhere"))


def test_an_item_of_nobody_known_has_its_statement_all_the_same(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(item_id=item_of(None, 9).pk), now=NOW)
    assert Statement.objects.get(pk=decision.pk).creator is None
    assert not Delivery.objects.filter(statement_id=decision.pk).exists()


def test_what_holds_outside_the_eea_only_is_not_for_the_public_database(made: Made) -> None:
    decision = decide(service=SERVICE, new=made.new(territories=("US",)), now=NOW)
    assert not Submission.objects.filter(decision=decision).exists()
