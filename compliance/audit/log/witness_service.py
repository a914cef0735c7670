"""A witness as a service that somebody else runs: cosigns logs over HTTP (C2SP tlog-witness). No Django, no database.

    python -m compliance.audit.log.witness_service --name witness.example/w1 --key KEY --state FOLDER --log VKEY

Prints its own key and address, then answers POST /add-checkpoint. Keep key and folder where no operator of a witnessed
log can reach them: what was cosigned last is in the folder, synced before each answer.
"""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from compliance.audit.log.key_file import KeyFileRefused, draw_key, read_key
from compliance.audit.log.note import COSIGNATURE, NoteRefused, SigningKey, VerifierKey, parse_vkey
from compliance.audit.log.witness import Witness, WitnessRefused, parse_add_checkpoint
from compliance.audit.log.witness_client import SIZE_TYPE

MAX_REQUEST: Final = 65_536
TEXT: Final = "text/plain; charset=utf-8"
IDLE_S: Final = 10

Answer = tuple[int, str, str]
"""Status, content type and text."""


class WitnessServer(ThreadingHTTPServer):
    """Answers for the witnesses of several logs, one thread a request; each witness takes one request at a time."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witnesses: dict[str, Witness], now: Callable[[], float]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self._witnesses = witnesses
        self._now = now

    def answer(self, body: str) -> Answer:
        """What a request's body gets."""
        try:
            request = parse_add_checkpoint(body)
            witness = self._witnesses.get(request.checkpoint.partition("\n")[0])
            if witness is None:
                return 404, TEXT, "This witness does not watch that log.\n"
            return 200, TEXT, witness.add_checkpoint(request, now=int(self._now()))
        except WitnessRefused as refused:
            if refused.size is not None:
                return refused.status, SIZE_TYPE, f"{refused.size}\n"
            return refused.status, TEXT, f"{refused}\n"
        except (NoteRefused, OSError) as error:
            return 500, TEXT, f"This witness cannot tell what it cosigned last, so that it cosigns nothing: {error}\n"


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    server: WitnessServer
    timeout = IDLE_S

    def do_POST(self) -> None:
        """Cosign, or say why not."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self._send(404, TEXT, "There is /add-checkpoint here, and nothing else.\n")
        elif not (length.isascii() and length.isdecimal() and int(length[:9]) <= MAX_REQUEST):
            self._send(400, TEXT, f"A request has a Content-Length of at most {MAX_REQUEST}.\n")
        else:
            self._send(*self._answer(self.rfile.read(int(length))))

    def _answer(self, body: bytes) -> Answer:
        try:
            return self.server.answer(body.decode())
        except UnicodeDecodeError:
            return 400, TEXT, "A request is UTF-8 text.\n"

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def state_file(folder: Path, log: VerifierKey) -> Path:
    """Where a witness keeps what it cosigned of a log; a log's name may hold what a file's may not."""
    return folder / hashlib.sha256(log.name.encode()).hexdigest()[:32]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until killed. Exit 2 where it cannot begin."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="the witness's name in its signatures")
    parser.add_argument("--key", type=Path, required=True, help="its private key; drawn where there is none yet")
    parser.add_argument("--state", type=Path, required=True, help="the folder of what it cosigned last")
    parser.add_argument("--log", action="append", required=True, help="the key of a log to watch; may be repeated")
    parser.add_argument("--listen", default="127.0.0.1:8090", metavar="HOST:PORT")
    options: Any = parser.parse_args(arguments)
    try:
        server, key = _server(options)
    except (KeyFileRefused, NoteRefused, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    host, port = server.server_address[:2]
    sys.stdout.write(f"{key.verifier(COSIGNATURE).encode()} http://{host!s}:{port}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


def _server(options: Any) -> tuple[WitnessServer, SigningKey]:
    if not options.key.exists():
        draw_key(options.key)
    key = SigningKey(name=options.name, private=read_key(options.key))
    key.verifier()  # refuses a name that cannot be one
    options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    logs = [parse_vkey(text) for text in options.log]
    witnesses = {log.name: Witness(state=state_file(options.state, log), key=key, log=log) for log in logs}
    host, _, port = options.listen.rpartition(":")
    return WitnessServer((host.strip("[]"), int(port)), witnesses, time.time), key


if __name__ == "__main__":
    sys.exit(main())
