"""Erase people, rotate, and search every raw file for what would open them: `python bench/erasure.py [--check]`.

On an embedded PostgreSQL of its own, which is removed afterwards. Searched are the server's data files and WAL, base
backups (`pg_basebackup`) and dumps (`pg_dump`) from before the erasure and after the rotation, for the erased subjects'
keys in the clear and for the key-encryption key that wrapped them, as bytes and as hex. A key planted bare and deleted
shows that the search finds what is there (reliability §2.5: after DELETE, CHECKPOINT and VACUUM it is). Wrapped keys
are found too; then nothing that is left may open them.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.raw_search import Needles
from bench.timing import table, verdict
from bench.world import own_server

WHY: Final = "a benchmark"


def main(arguments: Sequence[str] | None = None) -> int:
    """Erase, search, print, and judge."""
    parser: Any = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=10_000, help="who are kept, and so wrapped anew")
    parser.add_argument("--erased", type=int, default=1_000)
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch, own_server(Path(scratch) / "home"):
        rows, missed = _measured(Path(scratch), options.subjects, options.erased)
    table("Erasure", ["what", "figure", "target"], rows)
    return verdict(missed, check=options.check)


@dataclass(frozen=True, kw_only=True)
class People:
    """Who is there: their keys in the clear, the wrapped forms and the events of those who will be erased."""

    keys: dict[UUID, bytes]
    erased: list[UUID]
    wrapped: dict[UUID, bytes]
    events: dict[UUID, UUID]  # event -> whose


def _measured(scratch: Path, subjects: int, erased: int) -> tuple[list[list[str]], list[str]]:
    """The table's rows, and the targets that were missed."""
    from bench.pg_backup import back_up, checkpoint
    from compliance.audit.keys import vault
    from compliance.audit.keys.orders import SCHEDULE, SUBJECT
    from compliance.audit.keys.services import erase, rotate
    from compliance.audit.models import SubjectKey

    people, planted = _people(subjects, erased), _plant()
    _publish()
    bare = {f"key-encryption key {number}": vault.read(number).secret for number in vault.numbers()}
    bare |= {f"key of {person}": people.keys[person] for person in people.erased}
    back_up(scratch / "backups" / "before")
    for person in people.erased:
        erase(pseudonym=person, by=SUBJECT, why=WHY)
    began = time.perf_counter()
    done = rotate(by=SCHEDULE, why=WHY)
    rotation_s = time.perf_counter() - began
    _publish()
    checkpoint()
    back_up(scratch / "backups" / "after")

    wrapped = {f"wrapped {person}": form for person, form in people.wrapped.items()}
    found = _found(Needles(bare | wrapped | {"planted": planted}), scratch / "backups")
    hits = {place: sum(len(each[name]) for name in bare if name in each) for place, each in found.items()}
    seen = all("planted" in found[place] for place in ("data files", "WAL", "backups"))
    shown = sum(any(name in each for each in found.values()) for name in wrapped)
    opened, faults = _opened_wrapped(people), _faults()
    proofs, readable, closed = _proofs(people)
    events, kept = len(people.events), len(people.events) - erased
    facts = [
        ("subjects erased", f"{erased:,}", "", SubjectKey.objects.count() == subjects),
        *((f"bare keys found in {place}", f"{count}", "0", count == 0) for place, count in hits.items()),
        ("self-check: the planted key found in data files, WAL and backups", f"{int(seen)}", "1", seen),
        ("wrapped keys of the erased found anywhere", f"{shown:,} of {erased:,}", "", True),
        ("of these, opened by a key-encryption key that is left", f"{opened}", "0", opened == 0),
        ("events whose proofs verify", f"{proofs:,} of {events:,}", "100 %", proofs == events),
        ("events of the erased that open", f"{erased - closed}", "0", closed == erased),
        ("events of the others that open", f"{readable:,} of {kept:,}", "100 %", readable == kept),
        ("faults that `audit verify` names", f"{faults}", "0", faults == 0),
        (f"rotation of {done.rewrapped:,} keys", f"{rotation_s:.2f} s", "", done.rewrapped == subjects),
    ]
    missed = [f"{what}: {figure}" for what, figure, _, held in facts if not held]
    return [[what, figure, target] for what, figure, target, _ in facts], missed


def _found(needles: Needles, backups: Path) -> dict[str, dict[str, set[Path]]]:
    """What was found where: place -> needle -> files."""
    from django.conf import settings

    from bench.pg_backup import server_paths

    data = server_paths().data
    found = {"data files": {}, "WAL": needles.found_below(data / "pg_wal"), "backups": needles.found_below(backups)}
    for name, paths in needles.found_below(data).items():
        if outside := {path for path in paths if data / "pg_wal" not in path.parents}:
            found["data files"][name] = outside
    return found | {"logs, tiles and key files": needles.found_below(settings.HOME_DIR)}


def _people(subjects: int, erased: int) -> People:
    """Subjects with keys; as many of the kept as are erased have an event on record, and all who are erased."""
    from django.utils import timezone

    from compliance.audit.events import note
    from compliance.audit.keys.services import keys_for
    from compliance.audit.models import SubjectKey

    everybody = [uuid4() for _ in range(subjects + erased)]
    keys, going = keys_for(everybody), everybody[:erased]
    events = {
        note(kind="control", happened_at=timezone.now(), what={"value": number}, pseudonym=person): person
        for number, person in enumerate(everybody[: 2 * erased])
    }
    held = SubjectKey.objects.filter(pk__in=going).values_list("pseudonym", "wrapped")
    return People(keys=keys, erased=going, wrapped={pk: bytes(wrapped) for pk, wrapped in held}, events=events)


def _plant() -> bytes:
    """Keep a key as nobody should, and delete it as one would think is enough; return it."""
    from django.db import connection

    planted = secrets.token_bytes(32)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_key (secret bytea)")
        cursor.execute("INSERT INTO bare_key VALUES (%s)", [planted])
        cursor.execute("DELETE FROM bare_key")
    return planted


def _publish() -> None:
    """Give everything that waits its place in the log, and sign it."""
    from compliance.audit.place import log_place, signing_key
    from compliance.audit.sequencer import assign, publish

    while assign():
        pass
    key = signing_key()
    publish(log_place(), key)


def _opened_wrapped(people: People) -> int:
    """How many of the erased subjects' wrapped keys open under any key-encryption key that is left."""
    from compliance.audit.keys import vault
    from compliance.audit.keys.errors import KeyBroken

    opened = 0
    for kek in map(vault.read, vault.numbers()):
        for person, wrapped in people.wrapped.items():
            try:
                kek.unwrap(person, wrapped)
            except KeyBroken:
                continue
            opened += 1
    return opened


def _proofs(people: People) -> tuple[int, int, int]:
    """How many events have evidence that verifies; how many of the kept open; how many of the erased do not."""
    from compliance.audit import verify_evidence
    from compliance.audit.evidence import bundle_of
    from compliance.audit.keys.errors import KeyErased
    from compliance.audit.models import AuditEvent
    from compliance.audit.place import log_place
    from compliance.audit.selectors import document_of

    place, gone, proved, readable, closed = log_place(), set(people.erased), 0, 0, 0
    log = verify_evidence.read_key(place.verifier.encode())
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "bundle.zip"
        for event_id, person in people.events.items():
            path.write_bytes(bundle_of(place, event_id))
            proved += bool(list(verify_evidence.verify(verify_evidence.read_bundle(str(path)), log, ())))
            try:
                document_of(AuditEvent.objects.get(id=event_id))
            except KeyErased:
                closed += person in gone
            else:
                readable += person not in gone
    return proved, readable, closed


def _faults() -> int:
    from django.utils import timezone

    from compliance.audit.place import log_place
    from compliance.audit.verification import verify

    faults = list(verify(log_place(), now=timezone.now()))
    for fault in faults[:5]:
        print(fault)
    return len(faults)


if __name__ == "__main__":
    sys.exit(main())
