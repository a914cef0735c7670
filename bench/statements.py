"""Statements of reasons from decision to publication: `python bench/statements.py --check`.

On a made-up world with a really trained ranker: decisions about its items, of all kinds, with personal data in their
facts; lists served under them; the statements sent to the stand-in over real HTTP, which loses answers and asks for
patience on the way; everything read back. Then the automated-detection flag is inverted in what was sent, and the
reconciliation is asked to find each. Waiting times are not sat through. The scrubber is scored on its seeded set, whose
author also wrote the patterns: a number for regressions, not for the world. Names that nobody gave the scrubber and
that carry no title are scored apart, and stay.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.scratch import made_world, scratch_database
from bench.timing import Stopwatch, table, verdict

TOKEN: Final = "1|bench"  # noqa: S105 - of a stand-in on this machine
SERVES: Final = 300
INVERTED: Final = 25
WITHHELD_ITEMS: Final = 12
LEAST_RECALL: Final = 0.98
LEAST_PRECISION: Final = 0.98


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=1_000)
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch, scratch_database("statements"):
        made_world(Path(scratch))
        watch = Stopwatch()
        values = _decide(options.decisions, watch)
        rows, missed = _stated(options.decisions, watch)
        for part in (_served(watch), _exported(options.decisions, values, watch), _reconciled(watch), _scrubbed()):
            rows += part[0]
            missed += part[1]
        table(f"Statements of reasons for {options.decisions:,} decisions", ["what", "figure"], rows)
    return verdict(missed, check=options.check)


Part = tuple[list[list[str]], list[str]]


def _decide(count: int, watch: Stopwatch) -> list[str]:
    """Take the decisions; the personal data that was seeded into their facts."""
    from dataclasses import replace

    from django.conf import settings

    from compliance.statements.models import ActorKind, Kind
    from compliance.statements.services import actor, decide, link_creator
    from compliance.subjects.models import Subject
    from ranking.catalogue.models import Creator, Item
    from tests.compliance.statements.conftest import new_decision
    from tests.compliance.statements.seeded import HOLDERS, VALUES

    draw = random.Random(0)  # noqa: S311 - the same decisions in every run
    items = list(Item.objects.order_by("id"))
    for number, name in enumerate(HOLDERS):
        creator = Creator.objects.create(service=settings.SERVICE, external_id=f"bench-{number}", name=name)
        link_creator(creator=creator, subject=Subject.objects.create(service=settings.SERVICE))
        Item.objects.filter(id__in=[item.pk for item in items[number :: len(HOLDERS)]]).update(creator=creator)
    machine = actor(name="bench.classifier", kind=ActorKind.MACHINE)
    person = actor(name="account 0", kind=ActorKind.PERSON)
    open_items, withheld = items[WITHHELD_ITEMS:], items[:WITHHELD_ITEMS]
    personal = [(kind, value) for kind, values in VALUES.items() for value in values if kind != "holder's name"]
    seeded = []
    for number in range(count):
        kind = Kind(draw.choices(Kind.values, weights=[1, 1, 1, 12, 3])[0])
        pool = open_items if kind in (Kind.DEMOTED, Kind.LABELLED) else withheld
        new = new_decision(draw.choice(pool).pk, draw.choice([machine, person]))
        facts = new.facts
        if number % 2:
            seeded.append(draw.choice(personal)[1])
            facts = f"{facts} On the screen stands {seeded[-1]}, for a moment."
        amount = draw.randint(1, 400) if kind == Kind.DEMOTED else None
        with watch.stage("decide"):
            decide(
                service=settings.SERVICE,
                new=replace(new, kind=kind, amount=amount, facts=facts, rule=f"bench.rule-{number}"),
            )
    return seeded


def _stated(count: int, watch: Stopwatch) -> Part:
    from compliance.audit.models import AuditEvent
    from compliance.statements.models import Decision, Delivery, Statement

    statements, delivered = Statement.objects.count(), Delivery.objects.count()
    acts = AuditEvent.objects.filter(kind="statement").count()
    lonely = Decision.objects.filter(statement=None).count()
    rows = [
        ["statements, each made with its decision", f"{statements:,}"],
        ["delivered to creators", f"{delivered:,}"],
        ["decisions without a statement", f"{lonely:,}"],
        ["acts on record", f"{acts:,}"],
        ["a decision with all that goes with it, p50 / p99 / CPU ms", " / ".join(watch.row("decide")[1:])],
    ]
    return rows, [f"{statements} statements for {count} decisions"] if statements != count or lonely else []


def _served(watch: Stopwatch) -> Part:
    """Lists served under the decisions, and what of it has no statement."""
    from django.utils import timezone

    from compliance.audit.models import ServeRecord
    from compliance.audit.selectors import documents_of
    from compliance.serving.door import serve
    from compliance.serving.types import Context
    from compliance.statements.models import ServedPenalty
    from compliance.statements.unstated import unstated_demotions, unstated_in
    from compliance.subjects.models import Subject

    people = list(Subject.objects.filter(tier="adult").order_by("id")[:50])
    for number in range(SERVES):
        serve(subject=people[number % len(people)], context=Context(surface="home", now=timezone.now()))
    with watch.stage("unstated"):
        unstated = unstated_demotions()
    records = ServeRecord.objects.filter(source="")
    faults = list(unstated_in((record.id, document) for record, document in documents_of(records)))
    applied = ServedPenalty.objects.count()
    rows = [
        [f"penalties applied in {SERVES} served lists", f"{applied:,}"],
        ["unstated demotions in the serve log (one SQL query)", f"{unstated:,}"],
        ["faults in the same records, opened one by one", f"{len(faults):,}"],
    ]
    missed = [f"{unstated} applied penalties have no statement"] if unstated else []
    missed += [f"{len(faults)} records do not agree with the statements: {faults[0].words}"] if faults else []
    missed += [] if applied else ["no decision acted on any list, so nothing was proved"]
    return rows, missed


def _exported(count: int, values: list[str], watch: Stopwatch) -> Part:
    """Everything sent, through lost answers and refusals to hurry."""
    from django.utils import timezone

    from compliance.statements.export.client import Client
    from compliance.statements.export.sending import send_waiting
    from compliance.statements.models import State, Submission
    from compliance.statements.standin.server import standing_in

    totals = {"created": 0, "was_there": 0, "refused": 0, "different": 0, "requests": 0}
    halts = 0
    with standing_in(token=TOKEN, fail=[429, 503], lose=2) as standin:
        client = Client(url=standin.url, token=TOKEN)
        for _ in range(20):
            Submission.objects.filter(state=State.WAITING).update(due_at=timezone.now())
            with watch.stage("pass"):
                sent = send_waiting(client)
            totals = {name: total + getattr(sent, name) for name, total in totals.items()}
            halts += bool(sent.halted)
            if not Submission.objects.filter(state=State.WAITING).exists():
                break
        held = len(standin.store.held)
        texts = [one["decision_facts"] for one in standin.store.held.values()]
    leaked = sum(value in text for value in set(values) for text in texts)
    rows = [
        ["in the public stand-in", f"{held:,}"],
        ["sent / found there already and equal", f"{totals['created']:,} / {totals['was_there']:,}"],
        ["rejected / another body under our number", f"{totals['refused']:,} / {totals['different']:,}"],
        ["requests, and passes that were told to wait", f"{totals['requests']:,}, {halts}"],
        ["sending all, s", f"{sum(watch.wall['pass']) / 1e3:.2f}"],
        [f"seeded personal data published, of {len(values):,}", f"{leaked:,}"],
    ]
    missed = [f"{held} of {count} statements are in the public stand-in"] if held != count else []
    missed += [f"{totals['refused']} statements were rejected"] if totals["refused"] else []
    missed += [] if totals["was_there"] == 200 else [f"{totals['was_there']} duplicates were handled, not 200"]
    missed += [f"{leaked} seeded pieces of personal data were published"] if leaked else []
    return rows, missed


def _reconciled(watch: Stopwatch) -> Part:
    """Read everything back; then invert a flag in some of it and read back again."""
    from compliance.statements.export.reconciling import rate_of, reconcile
    from compliance.statements.models import Submission

    with watch.stage("reconcile"):
        clean, _ = reconcile()
    for row in Submission.objects.filter(state="sent").order_by("pk")[:INVERTED]:
        sent = bytes(row.body or b"")
        row.body = sent.replace(b'"automated_detection":"Yes"', b'"automated_detection":"No"')
        row.save()
    planted, wrong = reconcile()
    found = planted.by_field.get("automated_detection", 0)
    rows = [
        ["fields derived again / mismatches", f"{clean.fields:,} / {clean.mismatches:,} ({rate_of(clean):.4%})"],
        ["reconciling all, s", f"{watch.median('reconcile') / 1e3:.2f}"],
        [f"inverted flags found, of {INVERTED} planted", f"{found} in {len(wrong)} statements"],
    ]
    missed = [f"{clean.mismatches} fields do not say what was decided"] if clean.mismatches else []
    missed += [f"{found} of {INVERTED} inverted flags were found"] if found != INVERTED else []
    return rows, missed


def _scrubbed() -> Part:
    from tests.compliance.statements.scored import scores

    measured = scores()
    rows = [[f"scrubber's recall: {kind}", f"{found} of {total}"] for kind, (found, total) in measured.recall.items()]
    recall, precision = measured.recall_of_known(), measured.precision()
    finds = measured.right + measured.wrong
    rows += [
        ["scrubber's recall over all but strangers' names", f"{recall:.4f} (target {LEAST_RECALL})"],
        ["scrubber's precision", f"{precision:.4f} of {finds:,} finds (target {LEAST_PRECISION})"],
    ]
    missed = [f"the scrubber's recall is {recall:.3f}"] if recall < LEAST_RECALL else []
    missed += [f"the scrubber's precision is {precision:.3f}"] if precision < LEAST_PRECISION else []
    return rows, missed


if __name__ == "__main__":
    sys.exit(main())
