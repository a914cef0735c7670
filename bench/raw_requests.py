"""Requests as bytes on a socket: those that no HTTP client would send, and a client's own, uncorrected."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Final

from tests.host.hostile import EVENTS, FEED, JSON, MODE, SCHEMA, Hostile

PATIENCE_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.02
CLOSED, SILENT = 0, -1  # in place of a status: closed without an answer, no answer in time
BODY: Final = b'{"surface": "home", "size": 1e9}'
PAGES: Final = (
    "/", "/items/1/", "/account/", "/accounts/login/", "/admin/login/", "/covers/1.svg", "/healthz", "/help/",
    "/nowhere", "/static/clerestory/app.css", "/items/%00/", "/static/%00", "/accounts/confirm-email/%ff/",
)  # fmt: skip
QUERIES: Final = (
    "", "?%00=%00", "?page=%00", "?next=http://[", "?lang=%0d%0a", "?q=%ff%fe", "?mode=%00", "?" + "a=1&" * 500,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wire:
    """What is sent, in pieces with a pause after each; `leave` closes the sending side at the end."""

    name: str
    pieces: Sequence[bytes]
    method: str = "POST"
    leave: bool = False


def of_hostile(request: Hostile, signed_in: dict[str, str]) -> Wire:
    """Write a request down as an HTTP client would, without its corrections."""
    headers = {**signed_in, "Content-Type": request.content_type, **request.headers}
    if request.cookie is not None:
        headers["Cookie"] = f"sessionid={request.cookie}"
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        headers["Content-Length"] = str(len(request.body))
    if "Transfer-Encoding" in headers:
        del headers["Content-Length"]
    return Wire(
        name=request.name, method=request.method, pieces=[head(request.method, request.path, headers), request.body]
    )


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    """Return a request's line and headers; characters beyond Latin-1 go as UTF-8."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines) + "\r\n\r\n"
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def raw(dice: random.Random, signed_in: dict[str, str]) -> Wire:
    """Choose one of the requests that only a socket can send."""
    choices = [
        *bodies(dice, signed_in), *bodies(dice, signed_in), *chunks(signed_in), *lengths(signed_in), *heads(signed_in),
        *lines(), *pages(dice, signed_in),
    ]  # fmt: skip
    return dice.choice(choices)


def bodies(dice: random.Random, signed_in: dict[str, str]) -> list[Wire]:
    """Bodies that end too early, too late, or come slowly."""
    path = dice.choice((FEED, MODE, EVENTS))
    method = "PUT" if path == MODE else "POST"

    def announced(length: int) -> bytes:
        return head(method, path, {**signed_in, "Content-Length": str(length)})

    cut = dice.randrange(len(BODY))
    drops = [BODY[at : at + 4] for at in range(0, len(BODY), 4)]
    return [
        Wire(name="cut body", method=method, pieces=[announced(len(BODY)) + BODY[:cut]], leave=True),
        Wire(name="body longer than announced", method=method, pieces=[announced(cut) + BODY]),
        Wire(name="body far longer than announced", method=method, pieces=[announced(3) + b"x" * 100_000]),
        Wire(name="slow body", method=method, pieces=[announced(len(BODY)), *drops]),
        Wire(name="slow head", method=method, pieces=[announced(len(BODY))[:40], announced(len(BODY))[40:], BODY]),
        Wire(name="body after 413", method=method, pieces=[announced(10**9), b"x" * 10_000], leave=True),
        Wire(name="10 MB body", method=method, pieces=[announced(10_000_000), b"[" * 10_000_000], leave=True),
    ]


def chunks(signed_in: dict[str, str]) -> list[Wire]:
    """Bodies in chunks, right and wrong."""
    chunked = head("POST", FEED, {**signed_in, "Transfer-Encoding": "chunked"})
    both = head("POST", FEED, {**signed_in, "Transfer-Encoding": "chunked", "Content-Length": "5"})
    coded = head("POST", FEED, {**signed_in, "Transfer-Encoding": "gzip, chunked"})
    good = b"20\r\n" + BODY + b"\r\n0\r\n\r\n"
    tails = {
        "chunks": good,
        "no last chunk": good[:-5],
        "size that is none": b"zz\r\n" + BODY,
        "huge size": b"f" * 30 + b"\r\n" + BODY,
        "endless size line": b"1" * 20_000,
        "negative size": b"-5\r\n" + BODY,
        "extension": b"20;a=\x00\r\n" + BODY + b"\r\n0\r\n\r\n",
        "trailers": good[:-2] + b"Content-Length: 5\r\n" * 50 + b"\r\n",
        "thousand chunks": b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n",
    }
    made = [Wire(name=f"chunked: {name}", pieces=[chunked, tail], leave=True) for name, tail in tails.items()]
    made.append(Wire(name="chunked and announced", pieces=[both, good], leave=True))
    made.append(Wire(name="gzip, chunked", pieces=[coded, good], leave=True))
    return made


def lengths(signed_in: dict[str, str]) -> list[Wire]:
    """Announced sizes that are none."""
    values = ("-1", "+5", "5,5", "0x10", "", " ", "1e3", "\xb2", "9" * 30, "5\r\nContent-Length: 6", "NaN")
    return [
        Wire(
            name=f"length {value[:10]!r}",
            pieces=[head("POST", FEED, {**signed_in, "Content-Length": value}) + BODY],
            leave=True,
        )
        for value in values
    ]


def heads(signed_in: dict[str, str]) -> list[Wire]:
    """Headers that are none, too many or too long."""
    odd = {
        "300 headers": {f"X-{number}": "y" for number in range(300)},
        "long cookie": {"Cookie": "a=" + "b" * 30_000},
        "many cookies": {"Cookie": "; ".join(f"a{number}=b" for number in range(900))},
        "quoted NUL": {"Cookie": r'sessionid="abcdefgh\000ijklmnop"; csrftoken="\000"; messages="\000"'},
        "NUL": {"X-A": "\x00"},
        "fold": {"X-A": "b\r\n  c"},
        "no colon": {"X-A": "b\r\nno colon here"},
        "space before the colon": {"X-A ": "b"},
        "empty name": {"": "b"},
        "second host": {"Host": "evil.example"},
        "expectation": {"Expect": "100-continue"},
        "another expectation": {"Expect": "200-ok"},
        "upgrade": {"Upgrade": "h2c", "HTTP2-Settings": "AAAA", "Connection": "Upgrade, HTTP2-Settings"},
        "charset that is none": {"Content-Type": "application/json; charset*=nosuch''%41"},
        "charset with NUL": {"Content-Type": "application/json; charset*=utf-8''%00"},
        "charset hex": {"Content-Type": "application/x-www-form-urlencoded; charset=hex"},
        "script name": {"Script-Name": "/x", "X-Script-Name": "/y", "Path-Info": "/z"},
        "both spellings": {"Content_Length": "3", "X_Forwarded_For": "1.1.1.1"},
    }
    return [
        Wire(
            name=f"head: {name}",
            pieces=[head("POST", FEED, {**signed_in, "Content-Length": str(len(BODY)), **more}) + BODY],
            leave=True,
        )
        for name, more in odd.items()
    ]


def lines() -> list[Wire]:
    """Beginnings that are no request line, or one that no server should follow."""
    texts = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100, b"\r\n" * 1000, b"GET\r\n\r\n",
        b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"get / http/1.1\r\n\r\n", b"GET  / HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", b"X" * 500 + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/feed?\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n", b"POST / HTTP/1.0\r\n\r\n", b"",
    )  # fmt: skip
    return [Wire(name=f"line {text[:12]!r}", method="GET", pieces=[text], leave=True) for text in texts]


def pages(dice: random.Random, signed_in: dict[str, str]) -> list[Wire]:
    """The people's pages, asked for as they never are."""
    form = {**signed_in, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "24"}
    path = dice.choice(PAGES) + dice.choice(QUERIES)
    return [
        Wire(name=f"page {path[:30]}", method="GET", pieces=[head("GET", path, signed_in)]),
        Wire(name=f"form {path[:30]}", pieces=[head("POST", path, form), b"login=%00&password=%ff%fe"[:24]]),
    ]


def ordinary(signed_in: dict[str, str]) -> list[Wire]:
    """Right requests to everything: what a server has loaded before anything hostile comes."""
    slate = b'{"surface": "home"}'
    serve = head("POST", FEED, {**signed_in, "Content-Length": str(len(slate))})
    reads = [page for page in (*PAGES, SCHEMA) if "%" not in page and page != "/nowhere"]
    return [
        Wire(name="a slate", pieces=[serve, slate]),
        *(Wire(name=page, method="GET", pieces=[head("GET", page, signed_in)]) for page in reads),
    ]


def asked(port: int, wire: Wire) -> tuple[int, float]:
    """Send a request; return its status (or CLOSED, or SILENT) and the seconds from its last byte to the answer's."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent: the answer may be there
            send(connection, wire)
        started = time.perf_counter()
        try:
            response = HTTPResponse(connection, method=wire.method)
            response.begin()
            response.read()
            status = response.status
        except TimeoutError:
            status = SILENT
        except (HTTPException, OSError):
            status = CLOSED
        return status, time.perf_counter() - started


def send(connection: socket.socket, wire: Wire) -> None:
    """Send every piece, and pause between them."""
    for number, piece in enumerate(wire.pieces):
        if number and len(wire.pieces) > 2:
            time.sleep(PAUSE_SECONDS)
        connection.sendall(piece)
    if wire.leave:
        connection.shutdown(socket.SHUT_WR)


def held_open(port: int, signed_in: dict[str, str]) -> socket.socket:
    """Begin a request and never finish it. The caller closes the socket."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.sendall(head("POST", FEED, {**signed_in, "Content-Type": JSON, "Content-Length": "500"}) + BODY)
    return connection
