"""The log over HTTP is open to anybody, holds no personal data, and gives out nothing but its own files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client

from compliance.audit.log.note import open_note, parse_checkpoint, parse_vkey
from compliance.audit.models import AuditEvent, LogQueue, ServeRecord
from compliance.audit.selectors import document_of
from compliance.audit.storage.compact import compact
from tests.compliance.test_door import serve_on
from tests.conftest import World

pytestmark = pytest.mark.django_db
ORDER = {"by": "ada", "approved_by": "bob", "why": "complaint 12"}


@pytest.fixture(name="log")
def _log(world: World, tmp_path: Path, settings: Any) -> Path:
    """A log of three slates, and nothing else, in a folder of its own."""
    LogQueue.objects.all().delete()
    settings.AUDIT_LOG = {**django_settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    for name in ("alex", "sam", "kim"):
        serve_on(world.subject(name))
    call_command("sequencer", once=True)
    return tmp_path / "log"


def _said(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("audit", *arguments, stdout=out, **options)
    return out.getvalue()


def test_anybody_reads_checkpoint_and_tiles(log: Path, client: Client) -> None:
    answer = client.get("/log/checkpoint")
    key = parse_vkey(_said("key").strip())
    assert parse_checkpoint(open_note(answer.content.decode(), [key]).text).size == 3
    assert "no-cache" in answer["Cache-Control"]
    for name in ("0", "entries"):
        tile = client.get(f"/log/tile/{name}/000.p/3")
        assert tile.getvalue() == (log / "tile" / name / "000.p" / "3").read_bytes()
        assert "immutable" in tile["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/000.p/0",
        "tile/0/000.p",
        "tile/64/000",
        "tile/0/../../../key",
        "tile/0/%2e%2e/%2e%2e/%2e%2e/key",
        "tile/0/000.p/3/../../../../key",
        "tile//etc/passwd",
        "tile/0/x000",
        "tile/0/000.p/3%00",
        "key",
    ],
)
def test_nothing_else_is_given_out(log: Path, client: Client, path: str) -> None:
    assert client.get(f"/log/{path}").status_code == 404
    assert log.exists()


def test_nothing_can_be_written(log: Path, client: Client) -> None:
    assert client.post("/log/checkpoint").status_code == 405
    assert client.put("/log/tile/0/000.p/3").status_code == 405


def test_an_unsigned_log_has_no_checkpoint(client: Client, tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_LOG = {**django_settings.AUDIT_LOG, "folder": tmp_path / "none"}
    assert client.get("/log/checkpoint").status_code == 404


def test_a_bundle_is_checked_offline_by_the_one_file_verifier(log: Path, world: World, tmp_path: Path) -> None:
    serve_id = serve_on(world.subject("alex")).serve_id
    with pytest.raises(CommandError, match="waits for its place"):
        _said("prove", str(serve_id))
    call_command("sequencer", once=True)
    assert _said("prove", str(serve_id)).startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
    bundle = tmp_path / "evidence.zip"
    _said("bundle", str(serve_id), out=bundle)
    verifier = Path(django_settings.BASE_DIR) / "compliance" / "audit" / "verify_evidence.py"
    alone = tmp_path / "verify.py"
    alone.write_bytes(verifier.read_bytes())  # nothing of ours beside it

    def verdict() -> int:
        command = [sys.executable, "-I", str(alone), str(bundle), _said("key").strip()]
        return subprocess.run(command, check=False, capture_output=True, cwd=tmp_path).returncode  # noqa: S603

    assert verdict() == 0
    _read_as_an_auditor(serve_id, bundle, tmp_path)
    content = bytearray(bundle.read_bytes())
    content[content.index(bytes(ServeRecord.objects.get(id=serve_id).body))] ^= 1
    bundle.write_bytes(bytes(content))
    assert verdict() != 0


def test_an_opening_takes_two_people_and_is_on_record_before_it_is_written(world: World, tmp_path: Path) -> None:
    serve_id, out = serve_on(world.subject("alex")).serve_id, tmp_path / "opening.json"
    with pytest.raises(CommandError, match="required"):
        _said("opening", str(serve_id), out=out)
    for wrong in ({"approved_by": "Ada "}, {"why": " "}, {"by": "schedule", "approved_by": ""}):
        with pytest.raises(CommandError):
            _said("opening", str(serve_id), out=out, **ORDER | wrong)
    assert not out.exists()
    assert not AuditEvent.objects.filter(kind="opening").exists()
    _said("opening", str(serve_id), out=out, **ORDER)
    said = json.loads(bytes(AuditEvent.objects.get(kind="opening").body))
    assert said.items() >= {"event": str(serve_id), **ORDER}.items()
    with pytest.raises(CommandError, match="there already"):
        _said("opening", str(serve_id), out=out, **ORDER)
    assert AuditEvent.objects.filter(kind="opening").count() == 1


def _read_as_an_auditor(serve_id: UUID, bundle: Path, folder: Path) -> None:
    """The opening of a record reads its bundle, alone; another record's does not."""
    reader = folder / "read.py"
    reader.write_bytes((Path(django_settings.BASE_DIR) / "compliance" / "audit" / "open_evidence.py").read_bytes())

    def opened(name: str, event_id: UUID) -> subprocess.CompletedProcess[bytes]:
        _said("opening", str(event_id), out=folder / name, **ORDER)
        command = [sys.executable, "-I", str(reader), str(bundle), str(folder / name)]
        return subprocess.run(command, check=False, capture_output=True, cwd=folder)  # noqa: S603

    record = ServeRecord.objects.get(id=serve_id)
    said = opened("opening.json", serve_id)
    assert said.returncode == 0
    assert json.loads(said.stdout) == compact(document_of(record))
    assert ((folder / "opening.json").stat().st_mode & 0o077) == 0
    consent = AuditEvent.objects.filter(pseudonym=record.pseudonym)[0].id
    assert opened("other.json", consent).returncode == 1
