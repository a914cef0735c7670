"""Trade secrets: a stated refusal and an escrow copy that its holder opens, never silence."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from compliance.audit.access import escrow, sealed
from compliance.audit.models import AuditEvent, Blob
from compliance.audit.selectors import document_of
from tests.conftest import World
from tests.host.audit_api.conftest import ALL, is_refusal, key_for, read

PRIVATE = bytes(range(32)).hex()


def model_of(answer: Any, world: World) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in answer.json()["models"] if one["sha256"] == world.model_sha256)
    return found


def test_a_withheld_field_is_a_stated_refusal_and_its_copy_opens_to_the_very_value(
    log: Path, world: World, key: str, tmp_path: Path
) -> None:
    refusal = model_of(read(key, "parameters"), world)["config"]
    assert refusal["sealed"] is True
    assert refusal["field"] == "training_configuration"
    assert refusal["why"]
    assert refusal["law"]
    assert "scope `sealed`" in refusal["how"]
    answer = read(key, f"escrow/{refusal['escrow']}").json()
    copy = b64decode(answer["copy_base64"])
    assert sha256(copy).hexdigest() == refusal["escrow"] == answer["sha256"]
    (tmp_path / "copy").write_bytes(copy)
    (tmp_path / "private").write_text(PRIVATE)
    tool = [sys.executable, "-I", str(Path(escrow.__file__)), "open"]
    command = [*tool, str(tmp_path / "copy"), str(tmp_path / "private")]
    opened = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - our own
    seen = model_of(read(key_for("court", f"{ALL},sealed"), "parameters"), world)["config"]
    assert opened == {"field": "training_configuration", "value": seen}
    assert seen


def test_a_copy_is_written_once_and_on_record(log: Path, world: World, key: str) -> None:
    first = model_of(read(key, "parameters"), world)["config"]["escrow"]
    count = Blob.objects.count()
    assert model_of(read(key, "parameters"), world)["config"]["escrow"] == first
    assert Blob.objects.count() == count
    events = [document_of(event) for event in AuditEvent.objects.filter(kind="escrow_copy")]
    assert [said["field"] for said in events if said["escrow"] == first] == ["training_configuration"]


def test_only_escrow_copies_are_handed_out_as_such(serves: list[str], key: str) -> None:
    policy = read(key, "parameters").json()["live"]["policy_sha256"]
    assert Blob.objects.filter(sha256=policy).exists()
    for address in (policy, "0" * 64):
        is_refusal(read(key, f"escrow/{address}"), 404)
    is_refusal(read(key, "escrow/nothing"), 404)


def test_a_regulators_session_is_not_shown_trade_secrets(log: Path, world: World) -> None:
    greg = Client()
    greg.force_login(world.user("greg"))
    assert model_of(greg.get("/api/v1/audit/parameters"), world)["config"]["sealed"] is True


def test_no_field_of_a_record_goes_into_escrow() -> None:
    with pytest.raises(sealed.SealedRefused, match="would outlive that person's erasure"):
        sealed.parse(b'[heads]\ndocument = "record"\npath = "output.items.*.scores"\nlaw = ["x"]\nwhy = "y"\nhow = "z"')


def test_a_copy_opens_with_its_own_key_alone_and_whole() -> None:
    private = escrow.private_key(PRIVATE)
    copy = escrow.seal(b"recipe", private.public_key(), secret=b"ours")
    assert escrow.open_copy(copy, private) == b"recipe"
    assert copy == escrow.seal(b"recipe", private.public_key(), secret=b"ours")
    assert copy != escrow.seal(b"recipe", private.public_key(), secret=b"another's")  # nobody else can compare guesses
    with pytest.raises(escrow.EscrowRefused, match="does not open"):
        escrow.open_copy(copy, escrow.private_key("11" * 32))
    for place in (len(escrow.MAGIC), -1):
        changed = bytearray(copy)
        changed[place] ^= 1
        with pytest.raises(escrow.EscrowRefused, match="does not open"):
            escrow.open_copy(bytes(changed), private)
    for wrong in (b"", copy[:-60], b"x" + copy):
        with pytest.raises(escrow.EscrowRefused):
            escrow.open_copy(wrong, private)


def test_the_tool_draws_a_key_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "private"
    assert escrow.main(["draw", str(file)]) == 0
    shown = capsys.readouterr().out.strip()
    assert shown == escrow.public_text(escrow.private_key(file.read_text().strip()))
    assert file.stat().st_mode & 0o777 == 0o600
    assert escrow.main(["draw", str(file)]) == 1
    assert escrow.main(["open", str(file), str(file)]) == 1
    assert escrow.main([]) == 2


@pytest.mark.parametrize(("value", "words"), [("", "is not set"), ("abc", "cannot be used"), ("zz" * 32, "cannot be")])
def test_nothing_starts_that_would_withhold_without_escrow(settings: Any, value: str, words: str) -> None:
    settings.AUDIT_ESCROW_KEY = value
    with pytest.raises(ImproperlyConfigured, match=f"CLERESTORY_ESCROW_KEY {words}"):
        sealed.check_escrow()


def test_where_nothing_is_sealed_no_key_is_needed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AUDIT_ESCROW_KEY = ""
    monkeypatch.setattr(sealed, "sealed_fields", lambda: sealed.parse(b""))
    sealed.check_escrow()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[x", "no TOML"),
        ("[x]\ndocument = 'parameters'", "needs exactly"),
        ("[x]\ndocument = 'feed'\npath = 'a'\nlaw = ['l']\nwhy = 'w'\nhow = 'h'", "is in no document"),
        ("[x]\ndocument = 'parameters'\npath = 'a..b'\nlaw = ['l']\nwhy = 'w'\nhow = 'h'", "has no path"),
        ("[x]\ndocument = 'parameters'\npath = 'a'\nlaw = []\nwhy = 'w'\nhow = 'h'", "on what ground"),
        ("[x]\ndocument = 'parameters'\npath = 'a'\nlaw = ['l']\nwhy = ''\nhow = 'h'", "on what ground"),
    ],
)
def test_a_field_that_is_withheld_says_why_and_on_what_ground(text: str, words: str) -> None:
    with pytest.raises(sealed.SealedRefused, match=words):
        sealed.parse(text.encode())
