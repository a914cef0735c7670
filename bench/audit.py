"""The audit trail with rows in PostgreSQL: `python bench/audit.py --check`, on databases of its own.

Full audit of 100,000 sealed decisions, proofs over HTTP, a forked history before a witness in another process, a backup
restored elsewhere, and 1,000 harms done as superuser to rows, tiles, checkpoints, snapshots and model files, one at a
time. bench/log.py measures the log's files alone.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.scratch import ROOT, fill, made_world, scratch_database
from bench.timing import table, verdict
from compliance.audit.log.note import SigningKey

if TYPE_CHECKING:
    from compliance.audit.heads import LogPlace

KEY: Final = SigningKey(name="log.example/bench", private=Ed25519PrivateKey.generate())
ROUND: Final = 1_000  # events under one checkpoint
PROOFS: Final = 500
MOST_AUDIT_S: Final = 5.0
MOST_PROOF_MS: Final = 50.0

Result = tuple[list[list[str]], list[str]]
"""Lines of the table, and missed targets."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--tamper", type=int, default=1_000, help="harms, one at a time")
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        with scratch_database("audit"):
            missed += large(Path(scratch), options.entries)
        with scratch_database("tampering"):
            missed += tampering(Path(scratch), options.tamper)
    return verdict(missed, check=options.check)


def large(scratch: Path, count: int) -> list[str]:
    """Everything that is measured on a log of so many sealed decisions."""
    fill(count)
    place = place_in(scratch / "log")
    sequence(place)
    lines, missed = [], []
    for rows, more in (audit(place, count), proofs(place, count), restore(place, scratch), fork(place, scratch)):
        lines += rows
        missed += more
    table(f"The audit trail with {count:,} sealed decisions in PostgreSQL", ["what", "figure"], lines)
    return missed


def audit(place: LogPlace, count: int) -> Result:
    """The full audit: signed heads, tiles, leaves, every row's commitment, seal and columns."""
    from django.db import connection
    from django.utils import timezone

    from compliance.audit.verification import verify

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    walls, faults, jobs = [], [], max(2, os.cpu_count() or 1)
    for _ in range(3):
        wall = time.perf_counter()
        faults += list(verify(place, now=timezone.now() + timedelta(seconds=30), jobs=jobs))
        walls.append(time.perf_counter() - wall)
    best = min(walls)
    spent = time.process_time()
    list(verify(place, now=timezone.now() + timedelta(seconds=30)))
    spent = time.process_time() - spent
    rows = [
        [f"full audit in {jobs} processes, s of wall time, best of 3", f"{best:.2f}"],
        ["full audit in one process, s of its own CPU", f"{spent:.2f}"],
    ]
    missed = [f"a whole log is found faulty: {faults[0]}"] if faults else []
    if best > MOST_AUDIT_S:
        missed.append(f"the full audit of {count:,} takes {best:.1f} s, more than {MOST_AUDIT_S:.0f}")
    return rows, missed


def proofs(place: LogPlace, count: int) -> Result:
    """A receipt by the server, and a proof that a client puts together from what the web process serves."""
    from compliance.audit.evidence import receipt_of
    from compliance.audit.models import LogEntry

    rng = random.Random(0)  # noqa: S311 - which entries
    indices = [rng.randrange(count) for _ in range(PROOFS)]
    events = dict(LogEntry.objects.filter(leaf__in=indices).values_list("leaf", "event_id"))
    receipts = [timed(lambda index=index: receipt_of(place, events[index])) for index in indices]
    with served(place) as client:
        client.proof(indices[0])
        fetched = [timed(lambda index=index: client.proof(index)) for index in indices]
    rows, missed = [], []
    for what, times in (("receipt by the server", receipts), ("proof fetched over HTTP and verified", fetched)):
        middle, worst = (float(np.percentile(times, part)) for part in (50, 99))
        rows.append([f"{what}, p50 / p99 ms", f"{middle:.1f} / {worst:.1f}"])
        if worst > MOST_PROOF_MS:
            missed.append(f"{what}: p99 {worst:.1f} ms, more than {MOST_PROOF_MS:.0f}")
    return rows, missed


def restore(place: LogPlace, scratch: Path) -> Result:
    """A backup by pg_dump into another database, and the log's files written anew from it."""
    from bench.restoring import dump, restored
    from compliance.audit.sequencer import rebuild

    head = place.head((place.folder / "checkpoint").read_text())
    started = time.perf_counter()
    dump(scratch / "backup")
    dumped = time.perf_counter()
    elsewhere = place_in(scratch / "restored")
    with restored(scratch / "backup", f"bench_restored_{os.getpid()}"):
        rebuild(elsewhere)
        same = elsewhere.tiles.root(head.size) == head.root
    rows = [
        ["backup written / restored and rebuilt, s", f"{dumped - started:.1f} / {time.perf_counter() - dumped:.1f}"],
        ["root after the restore equals the last checkpoint", str(same)],
    ]
    return rows, [] if same else ["a restored backup gives another root"]


def fork(place: LogPlace, scratch: Path) -> Result:
    """A history that is rewritten in the database and signed with the stolen key, before a witness over HTTP."""
    from django.conf import settings
    from django.db import connection

    from compliance.audit.models import AuditEvent, LogCosignature
    from compliance.audit.sequencer import publish
    from compliance.audit.witnessing.cosigner import Cosigner
    from compliance.audit.witnessing.policy import witness_policy

    with witness(scratch) as settings.AUDIT_WITNESSES:
        started = time.perf_counter()
        Cosigner(witness_policy()).round(place, wait_s=5)
        took, cosigned = (time.perf_counter() - started) * 1e3, LogCosignature.objects.count()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE audit_logentry SET digest = sha256(digest) WHERE leaf = 7")
            cursor.execute("DELETE FROM audit_logcheckpoint")
            cursor.execute("DELETE FROM audit_logcosignature")
        forged = place_in(scratch / "forged")
        publish(forged, KEY)
        Cosigner(witness_policy()).round(forged, wait_s=5)
    caught = AuditEvent.objects.filter(kind="witness-refused").count() == 1 and not LogCosignature.objects.exists()
    rows = [
        ["checkpoint cosigned by a witness over HTTP, ms", f"{took:.0f}"],
        ["rewritten history, signed with the stolen key", "refused by the witness" if caught else "COSIGNED"],
    ]
    return rows, [] if cosigned == 1 and caught else ["the witness did not catch a forked history"]


def tampering(scratch: Path, times: int) -> list[str]:
    """Harms to everything that is kept of a few really served slates, one at a time."""
    from django.conf import settings
    from django.db import transaction
    from django.utils import timezone

    from bench.tampering import HARMS, needed_files, tamper
    from compliance.audit.models import ServeRecord
    from compliance.audit.verification import verify
    from host.accounts.models import User
    from tests.compliance.test_door import serve_on

    made_world(scratch)
    place = place_in(scratch / "small", second=scratch / "second")
    for _ in range(3):
        for name in ("alex", "sam", "kim"):
            user: Any = User.objects.select_related("subject").get(email=f"{name}@demo.example")
            serve_on(user.subject)
        sequence(place, batch=2)
    models = {settings.MODEL_REGISTRY / record.model for record in ServeRecord.objects.all() if record.model}
    files = {
        "tiles and bundles": needed_files(place.folder / "tile"),
        "checkpoints": [folder / "checkpoint" for folder in place.folders],
        "model files": [path for each in models for path in each.iterdir() if path.name != "created_at"],
    }
    now = timezone.now() + timedelta(seconds=30)
    rng = random.Random(5)  # noqa: S311 - which harms
    with transaction.atomic():
        tally = tamper(times, files=files, verified=lambda: list(verify(place, now=now)), rng=rng)
    table(f"{times:,} harms as superuser, of which verification named", ["harmed", *HARMS], tally.rows())
    return tally.unnamed


def place_in(folder: Path, *, second: Path | None = None) -> LogPlace:
    """A log in a folder, whose second copy's folder is made too."""
    from compliance.audit.heads import LogPlace

    if second is not None:
        second.mkdir()
    return LogPlace(folder=folder, verifier=KEY.verifier(), second=second)


def sequence(place: LogPlace, *, batch: int = 1) -> None:
    """All that waits into the log, with a checkpoint every so many events."""
    from compliance.audit.sequencer import assign, publish

    while assign(events=ROUND, batch=batch):
        publish(place, KEY)


def timed(work: Any) -> float:
    """Milliseconds of wall time."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


@contextmanager
def served(place: LogPlace) -> Iterator[Any]:
    """A client of a web process that serves this log."""
    from bench.http_client import gunicorn
    from bench.log_client import LogClient

    (ROOT / ".local" / "log").mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    os.environ |= {"DJANGO_SETTINGS_MODULE": "host.settings.demo", "CLERESTORY_AUDIT_LOG": str(place.folder)}
    try:
        with gunicorn(threads=2) as (port, _):
            yield LogClient(port, place.verifier)
    finally:
        os.environ.clear()
        os.environ |= before


@contextmanager
def witness(scratch: Path) -> Iterator[str]:
    """A witness in a process of its own, as the setting that names it."""
    command = [sys.executable, "-m", "compliance.audit.log.witness_service", "--name", "witness.example/bench"]
    command += ["--key", str(scratch / "witness.key"), "--state", str(scratch / "witness")]
    command += ["--log", KEY.verifier().encode(), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    sys.exit(main())
