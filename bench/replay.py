"""Serve slates under three models, restart everything, and replay them all; then on other instruction sets; then change
bytes and see them named.

Every part is a process of its own on freshly started engines, so that nothing but the records is carried over.

Run: python bench/replay.py [--slates 1000] [--across 300] [--check]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.timing import table, verdict
from bench.world import connect_to_demo

if TYPE_CHECKING:
    from compliance.serving.replay.report import Report


class Part(NamedTuple):
    """One process: what it does, with which number, on which instruction set ("": all that there is)."""

    name: str
    number: int = 0
    capability: str = ""


def main() -> int:
    """Run all parts, and say what came out of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slates", type=int, default=1000, help="in all, over three models")
    parser.add_argument("--across", type=int, default=300, help="replayed on each other instruction set")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        connect_to_demo()
        return PARTS[options.part](options.number)
    rows, missed = [], []
    for part in plan(options.slates, options.across):
        began = time.monotonic()
        returned, last = run(part)
        words = f"{part.name} ({part.capability})" if part.capability else part.name
        rows.append([words, last, f"{time.monotonic() - began:.1f}"])
        print(f"{words}: {last}", file=sys.stderr, flush=True)
        if returned:
            missed.append(f"{words}: {last or 'failed'}")
        time.sleep(3)  # the engines stop with their last client, so that every part starts them anew
    table("Replay, every part in a fresh process on freshly started engines", ["part", "result", "s"], rows)
    return verdict(missed, check=options.check)


def plan(slates: int, across: int) -> list[Part]:
    """The parts in their order. Slates are served under three models in turn."""
    third = slates // 3
    return [
        Part("serve", slates - 2 * third),
        Part("promote", 1),
        Part("serve", third),
        Part("promote", 2),
        Part("serve", third),
        Part("sign"),
        Part("replay", slates),
        Part("across", across, "avx2"),
        Part("across", across, "default"),
        Part("serve", across, "avx2"),
        Part("sign"),
        Part("across", across),
        Part("tamper"),
        Part("restore"),
    ]


def run(part: Part) -> tuple[int, str]:
    """One part in a process of its own; its exit status and its last line."""
    chosen = {"ATEN_CPU_CAPABILITY": part.capability} if part.capability else {}
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__, "--part", part.name, "--number", str(part.number)],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def serve(slates: int) -> int:
    """Serve over accounts and adults of the world, both surfaces and all orders; the people react in between."""
    import uuid

    from django.utils import timezone

    from compliance.serving.door import serve as serve_slate
    from compliance.serving.types import Context
    from compliance.subjects.models import Purpose, Subject, Tier
    from compliance.subjects.services import choose_feed, set_consent
    from host.accounts.models import User
    from ranking.catalogue.models import Item
    from ranking.catalogue.services import NewEvent, record_events
    from ranking.data.schema import Action

    anchor = Item.objects.filter(suitable_from="child").order_by("id").values_list("id", flat=True)[0]
    people = [User.objects.select_related("subject").get(email=f"{name}@demo.example").subject for name in PEOPLE]
    for adult in Subject.objects.filter(tier=Tier.ADULT).order_by("id")[:ADULTS]:
        if not adult.consents.exists():
            set_consent(subject=adult, purpose=Purpose.PERSONALISATION, granted=True)
        people.append(adult)
    modes = ("personalised", "personalised", "newest", "popular")
    for number in range(slates):
        subject = people[number % len(people)]
        assert subject is not None
        surface = "related" if number % 5 == 0 else "home"
        choose_feed(subject=subject, surface=surface, feed_mode=modes[number // len(people) % len(modes)])
        context = Context(surface=surface, now=timezone.now(), anchor_id=anchor if surface == "related" else None)
        slate = serve_slate(subject=subject, context=context)
        if number % 10 == 0:
            event = NewEvent(
                id=uuid.uuid4(), item_id=slate.items[0].item_id, action=Action.LIKE, occurred_at=timezone.now()
            )
            record_events(service=subject.service, subject_id=subject.id, region="", events=[event])
    print(f"{slates} slates served and recorded")
    return 0


def promote(seed: int) -> int:
    """Train another model, briefly, and make it live."""
    from dataclasses import replace

    from django.conf import settings

    from host.demo.ranker import train_and_register
    from ranking.data import fetch, movielens
    from ranking.serving.scorer import registry
    from ranking.serving.services import go_live
    from ranking.training import presets

    before = registry().live()
    assert before is not None
    kept = registry().root / "before-bench"
    if not kept.exists():
        kept.write_text(before)
    dataset = movielens.load(fetch.movielens(None, cache=settings.HOME_DIR / "data").folder)
    report = train_and_register(dataset, replace(presets.movielens(), epochs=1), seed=99 + seed)
    go_live(service=settings.SERVICE, sha256=report.sha256)
    print(f"model {report.sha256[:12]} live instead of {before[:12]}")
    return 0 if report.sha256 != before else 1


def sign(_: int) -> int:
    """Give every record its leaf under a signed checkpoint."""
    from django.core.management import call_command

    from compliance.audit.models import LogEntry, LogQueue

    call_command("sequencer", once=True, verbosity=0)
    print(f"{LogEntry.objects.count()} events in the log, {LogQueue.objects.count()} wait")
    return 0


def replay(slates: int) -> int:
    """Replay the latest records: the same bits, under the signed tree, over three models."""
    from compliance.audit.models import ServeRecord
    from compliance.serving.replay import Grade

    began = time.monotonic()
    report = replayed(slates)
    each = (time.monotonic() - began) * 1000 / max(1, report.total)
    ids = ServeRecord.objects.order_by("-id").values("id")[:slates]
    scored = ServeRecord.objects.filter(id__in=ids).exclude(model_sha256=None)
    models = scored.values("model_sha256").distinct().count()
    print(f"{report.summary()}; {scored.count():,} scored, by {models} models; {each:.1f} ms each")
    whole = report.kept and report.grades[Grade.R2] == report.identical == report.total == slates and models == 3
    return 0 if whole else 1


def across(slates: int) -> int:
    """Replay records that another instruction set scored: close scores, the same slates."""
    import torch

    from compliance.serving.replay import Grade

    report = replayed(slates)
    changed = report.grades[Grade.R0] + report.grades[Grade.NONE]
    here = torch.backends.cpu.get_cpu_capability()
    other = report.environment_differs["cpu_capability"]
    lacking = "" if other else "; this processor has no other instruction set to compare with"
    print(f"on {here}: {report.summary()}; {other:,} of another instruction set; {changed} slates changed{lacking}")
    return 0 if report.kept and changed == 0 else 1


def replayed(slates: int) -> Report:
    """Replays of the latest records, counted."""
    from compliance.audit.place import log_place
    from compliance.serving.replay import Replayer
    from compliance.serving.replay.choice import latest
    from compliance.serving.replay.report import Report

    report = Report()
    for outcome in Replayer(place=log_place()).replay_all(latest(slates)):
        report.add(outcome)
    return report


def tamper(_: int) -> int:
    """Change one byte of a snapshot, of a score and of a model file; each must be named."""

    from compliance.audit.keys.selectors import key_of
    from compliance.audit.models import SealedBlob, ServeRecord
    from compliance.audit.selectors import document_of
    from compliance.audit.storage.compact import seal_document
    from compliance.serving.replay import Replayer
    from ranking.serving.scorer import registry

    record = ServeRecord.objects.exclude(model_sha256=None).latest("id")
    named = []

    def look(what: str) -> None:
        record.refresh_from_db()
        differences = Replayer().replay(record).differences
        named.append(any(what in difference.what for difference in differences))

    with undone():
        for blob in SealedBlob.objects.filter(pseudonym=record.pseudonym):
            SealedBlob.objects.filter(pk=blob.pk).update(content=flipped(bytes(blob.content)))
        look("feature snapshot")
    with undone():
        record.refresh_from_db()
        document = document_of(record)
        place = next(item for item in document["output"]["items"] if not item["explored"])
        place["blended"] = "0x1.0000000000000p-3"  # by somebody who holds all keys
        changed = seal_document(key_of(record.pseudonym), document)
        ServeRecord.objects.filter(id=record.id).update(body=changed)
        look("blended")
    weights = registry().root / record.model / "model.safetensors"
    kept = weights.read_bytes()
    try:
        weights.write_bytes(flipped(kept))
        look("model file")
    finally:
        weights.write_bytes(kept)
    print(f"{sum(named)} of {len(named)} changed bytes named (snapshot, score, model file)")
    return 0 if all(named) else 1


def restore(_: int) -> int:
    """Put the demo's own model live again."""
    from ranking.serving.scorer import registry

    kept = registry().root / "before-bench"
    registry().promote(kept.read_text())
    kept.unlink()
    print("the demo's model is live again")
    return 0


@contextmanager
def undone() -> Iterator[None]:
    """Run in a transaction that is always rolled back."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def flipped(content: bytes) -> bytes:
    """The same bytes with one bit changed in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


PEOPLE = ("alex", "sam", "kim", "gale")
ADULTS = 16
PARTS: dict[str, Callable[[int], int]] = {
    "serve": serve,
    "promote": promote,
    "sign": sign,
    "replay": replay,
    "across": across,
    "tamper": tamper,
    "restore": restore,
}

if __name__ == "__main__":
    sys.exit(main())
