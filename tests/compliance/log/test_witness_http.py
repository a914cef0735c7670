"""A log asks a witness over real HTTP, between two processes: growth is cosigned, a second history never is."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from compliance.audit.log.note import COSIGNATURE, NoteRefused, SigningKey, open_note
from compliance.audit.log.tiles import TileStore
from compliance.audit.log.witness_client import (
    ForkWitnessed,
    WitnessAddress,
    WitnessAway,
    ask,
    parse_witnesses,
)
from compliance.audit.log.witness_service import main
from tests.compliance.log.made_log import LOG_KEY, ORIGIN, WITNESS_KEY, filled, key_of, made_entries, signed

ROOT = Path(__file__).resolve().parents[3]
ENTRIES = made_entries(700)
LOG = LOG_KEY.verifier()


class Service:
    """A witness in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self.start()

    def start(self) -> None:
        """Start, or start again where it was, and wait until it answers."""
        command = [sys.executable, "-m", "compliance.audit.log.witness_service", "--name", "witness.example/w1"]
        command += ["--key", str(self._folder / "key"), "--state", str(self._folder / "state"), "--log", LOG.encode()]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--listen", f"127.0.0.1:{self._port}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        (self.address,) = parse_witnesses(self._process.stdout.readline())
        self._port = int(self.address.url.rpartition(":")[2])

    def kill(self) -> None:
        """As kill -9 does."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module", name="process")
def _process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("witness"))
    yield service
    service.kill()


@pytest.fixture(name="witness")
def _witness(process: Service) -> WitnessAddress:
    """The witness, having forgotten what it cosigned."""
    for path in (process._folder / "state").iterdir():
        path.unlink()
    return process.address


def cosign(witness: WitnessAddress, store: TileStore, size: int, *, held: int, key: SigningKey = LOG_KEY) -> str:
    """Ask for a cosignature on a log's first `size` entries."""
    checkpoint = signed(size, store.root(size), key)
    return ask(witness, checkpoint, held=held, prove=store.consistency_proof, patience_s=5)


def test_growth_is_cosigned_over_http_and_after_the_witness_was_killed(
    witness: WitnessAddress, process: Service, tmp_path: Path
) -> None:
    store = filled(tmp_path, ENTRIES)
    for held, size in ((0, 10), (10, 10), (10, 300), (300, 700)):
        line = cosign(witness, store, size, held=held)
        process.kill()
        process.start()
        note = signed(size, store.root(size)) + line
        assert [each.key for each in open_note(note, [LOG, witness.key]).signatures] == [LOG, witness.key]


def test_a_log_that_forgot_what_was_cosigned_is_told(witness: WitnessAddress, tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES)
    cosign(witness, store, 300, held=0)
    assert cosign(witness, store, 700, held=0)
    assert cosign(witness, store, 700, held=300)


@pytest.mark.parametrize(("size", "held"), [(300, 300), (300, 0), (700, 300), (700, 0), (299, 0)])
def test_a_second_history_signed_with_the_stolen_key_is_caught(
    witness: WitnessAddress, tmp_path: Path, size: int, held: int
) -> None:
    for name in ("true", "other"):
        (tmp_path / name).mkdir()
    cosign(witness, filled(tmp_path / "true", ENTRIES), 300, held=0)
    other = filled(tmp_path / "other", [*ENTRIES[:99], b"rewritten", *ENTRIES[100:]])
    with pytest.raises(ForkWitnessed, match="cosigned 300 entries"):
        cosign(witness, other, size, held=held)


def test_other_logs_and_other_keys_get_no_cosignature(witness: WitnessAddress, tmp_path: Path) -> None:
    store = filled(tmp_path, ENTRIES)
    for key, status in ((key_of("other.example/log", seed=3), "404"), (key_of(ORIGIN, seed=3), "403")):
        with pytest.raises(WitnessAway, match=f"answered {status}"):
            cosign(witness, store, 10, held=0, key=key)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/add-checkpoint", None, 501),
        ("POST", "/", b"", 404),
        ("POST", "/add-checkpoint", b"", 400),
        ("POST", "/add-checkpoint", b"\xff", 400),
        ("POST", "/add-checkpoint", b"x" * 65_537, 400),
    ],
)
def test_whatever_else_is_sent_is_refused(
    witness: WitnessAddress, method: str, path: str, body: bytes | None, status: int
) -> None:
    connection = HTTPConnection(witness.url.removeprefix("http://"), timeout=5)
    connection.request(method, path, body)
    assert connection.getresponse().status == status
    connection.close()


def test_a_witness_whose_record_is_damaged_cosigns_nothing(
    witness: WitnessAddress, process: Service, tmp_path: Path
) -> None:
    store = filled(tmp_path, ENTRIES)
    cosign(witness, store, 300, held=0)
    (record,) = (path for path in (process._folder / "state").iterdir() if path.suffix != ".lock")
    record.write_text("cut")
    with pytest.raises(WitnessAway, match="answered 500"):
        cosign(witness, store, 700, held=300)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 OK\r\n\r\n", b"\xff" * 50, b"HTTP/1.0 409 No\r\n\r\n12\n"])
def test_a_witness_that_answers_nonsense_is_away(answer: bytes, tmp_path: Path) -> None:
    with _answering([answer]) as url, pytest.raises(WitnessAway):
        cosign(WitnessAddress(key=WITNESS_KEY.verifier(COSIGNATURE), url=url), filled(tmp_path, ENTRIES), 9, held=0)


def test_a_witness_that_sends_a_byte_now_and_then_is_cut_off(tmp_path: Path) -> None:
    store, checkpoint = filled(tmp_path, ENTRIES), ""
    checkpoint = signed(9, store.root(9))
    with _answering([b"H", *[b"x"] * 40]) as url:
        witness, started = WitnessAddress(key=WITNESS_KEY.verifier(COSIGNATURE), url=url), time.monotonic()
        with pytest.raises(WitnessAway):
            ask(witness, checkpoint, held=0, prove=store.consistency_proof, patience_s=0.3)
        assert time.monotonic() - started < 1.5


def test_a_witness_that_is_not_there_is_away(tmp_path: Path) -> None:
    witness = WitnessAddress(key=WITNESS_KEY.verifier(COSIGNATURE), url="http://127.0.0.1:1")
    with pytest.raises(WitnessAway, match="did not answer"):
        cosign(witness, filled(tmp_path, ENTRIES), 9, held=0)


def test_settings_that_name_no_witness_are_refused() -> None:
    vkey = WITNESS_KEY.verifier(COSIGNATURE).encode()
    assert parse_witnesses("") == ()
    assert parse_witnesses(f" {vkey}  http://a.example/x/ ,")[0].url == "http://a.example/x"
    for text in (
        vkey,
        f"{vkey} ftp://a",
        f"{LOG.encode()} http://a",
        "x http://a",
        f"{vkey} http://a,{vkey} http://b",
    ):
        with pytest.raises(NoteRefused):
            parse_witnesses(text)


def test_a_witness_that_cannot_begin_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "open").write_bytes(bytes(32))
    (tmp_path / "open").chmod(0o644)
    for key, log, words in (("open", LOG.encode(), "mode 0600"), ("new", "nonsense", "not a verifier key")):
        arguments = ["--name", "w", "--key", str(tmp_path / key), "--state", str(tmp_path / "state"), "--log", log]
        assert main([*arguments, "--listen", "127.0.0.1:0"]) == 2
        assert words in capsys.readouterr().err


class _answering:  # noqa: N801 - a context manager
    """A server that answers one connection with some bytes, a fifth of a second apart, whatever it is asked."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self._socket = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            try:
                connection.recv(65_536)
                for number, part in enumerate(self._parts):
                    if number:
                        time.sleep(0.2)
                    connection.sendall(part)
            except OSError:
                return
