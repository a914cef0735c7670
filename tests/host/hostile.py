"""A table of malformed requests to the API: how each is made, and which refusals are right."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
FEED, MODE, EVENTS, SERVES = "/api/v1/feed", "/api/v1/feed/mode", "/api/v1/events", "/api/v1/serves/"
SCHEMA: Final = "/api/v1/schema"
AUDIT: Final = "/api/v1/audit/"
A_RECORD: Final = f"{AUDIT}records/{uuid.UUID(int=7)}"
AUDIT_READERS: Final = (
    A_RECORD, f"{A_RECORD}/proof", f"{A_RECORD}/evidence", f"{A_RECORD}/replay", f"{AUDIT}parameters",
    f"{AUDIT}packs/{'0' * 64}", f"{AUDIT}escrow/{'0' * 64}", f"{AUDIT}log",
)  # fmt: skip
READERS: Final = (SERVES + str(uuid.UUID(int=7)), SCHEMA, *AUDIT_READERS)
GOOD_FEED: Final[dict[str, Any]] = {"surface": "home"}
GOOD_MODE: Final[dict[str, Any]] = {"surface": "home", "feed_mode": "newest"}
WRITERS: Final = (("POST", FEED), ("PUT", MODE), ("POST", EVENTS))

# Values of a wrong kind, whatever the field. Some are right for some field: see `_wrong_for`.
KINDS: Final[dict[str, Any]] = {
    "null": None,
    "true": True,
    "minus": -1,
    "zero": 0,
    "huge": 2**63,
    "absurd": 10**39,
    "float": 1.5,
    "exponent": 1e300,
    "empty": "",
    "blank": "   ",
    "words": "home; DROP TABLE",
    "digits": "12",
    "right-to-left": "\u202ehome",
    "long": "x" * 5000,
    "array": [],
    "nested": [[["home"]]],
    "object": {"$ne": 1},
}


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One malformed request and the statuses that refuse it rightly."""

    name: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None  # a session cookie to send instead of a signed-in person's
    expected: frozenset[int] = frozenset({400})  # none: any below 500


def good_event(item: int) -> dict[str, Any]:
    """Return an event that would be accepted."""
    return {"id": str(uuid.uuid4()), "item": item, "action": "like", "occurred_at": "2026-01-02T03:04:05Z"}


def requests(item: int) -> Iterator[Hostile]:
    """Yield every malformed request. `item` exists."""
    yield from broken_bodies()
    yield from wrong_fields(item)
    yield from wrong_events(item)
    yield from wrong_batches(item)
    yield from wrong_moments(item)
    yield from wrong_envelopes(item)
    yield from wrong_queries()
    yield from wrong_audit_queries()
    yield from bodies_where_none_belongs()
    yield from wrong_headers()
    yield from wrong_people()
    yield from wrong_keys()
    yield from wrong_addresses()


def broken_bodies() -> Iterator[Hostile]:
    """Bodies that are not a JSON object in the strict sense."""
    raw = {
        "nothing": b"",
        "spaces": b"   ",
        "half": b'{"surface": "ho',
        "comma": b'{"surface": "home",}',
        "single quotes": b"{'surface': 'home'}",
        "comment": b'{"surface": "home"} // please',
        "two objects": b'{"surface": "home"}{"surface": "home"}',
        "array": b'[{"surface": "home"}]',
        "text": b'"home"',
        "number": b"42",
        "null": b"null",
        "NaN": b'{"surface": NaN}',
        "Infinity": b'{"surface": -Infinity}',
        "overflowing float": b'{"size": 1e999}',
        "5,000 digits": b'{"size": ' + b"9" * 5000 + b"}",
        "same key twice": b'{"surface": "home", "surface": "related"}',
        "NUL escape": b'{"surface": "ho\\u0000me"}',
        "NUL in a key": b'{"sur\\u0000face": "home"}',
        "NUL byte": b'{"surface": "ho\x00me"}',
        "lone surrogate": b'{"surface": "\\ud800"}',
        "lone low surrogate": b'{"surface": "\\udfff"}',
        "surrogate key": b'{"\\ud83d": "home"}',
        "not UTF-8": b'{"surface": "\xff\xfe"}',
        "UTF-16": '{"surface": "home"}'.encode("utf-16"),
        "byte order mark": b'\xef\xbb\xbf{"surface": "home"}',
        "65 levels": b'{"a":' * 65 + b"1" + b"}" * 65,
        "30,000 arrays": b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        "30,000 open brackets": b"[" * 30_000,
        "form": b"surface=home",
    }
    for method, path in WRITERS:
        for name, body in raw.items():
            refused = frozenset({400} if body else {400, 415})  # with no body some clients send no media type
            yield Hostile(name=f"{path} {name}", method=method, path=path, body=body, expected=refused)
        yield Hostile(
            name=f"{path} 65 KiB",
            method=method,
            path=path,
            body=_json({"surface": "x" * 66_000}),
            expected=frozenset({413}),
        )


def wrong_fields(item: int) -> Iterator[Hostile]:
    """Each field of a request for a slate or an order, in the same three ways."""
    for method, path, good in (("POST", FEED, GOOD_FEED), ("PUT", MODE, GOOD_MODE)):
        for name in good:
            for kind, value in KINDS.items():
                yield _request(f"{path} {name}={kind}", method, path, {**good, name: value})
            yield _request(f"{path} without {name}", method, path, {k: v for k, v in good.items() if k != name})
        yield _request(f"{path} unknown field", method, path, {**good, "admin": True})
    for kind, value in KINDS.items():
        if kind != "null":
            yield _request(f"feed size={kind}", "POST", FEED, {**GOOD_FEED, "size": value})
        yield _request(f"feed item={kind}", "POST", FEED, {"surface": "related", "item": value})
    yield _request("feed size=null", "POST", FEED, {**GOOD_FEED, "size": None})
    yield _request("feed size=25", "POST", FEED, {**GOOD_FEED, "size": 25})
    yield _request("feed item on home", "POST", FEED, {**GOOD_FEED, "item": item})
    yield _request("feed related without item", "POST", FEED, {"surface": "related"})
    yield _request("feed unknown item", "POST", FEED, {"surface": "related", "item": 2**53 - 1}, 404)


def wrong_events(item: int) -> Iterator[Hostile]:
    """Each field of an event with each wrong kind of value, left out, and beside an unknown one."""
    event = good_event(item)
    for name in event:
        for kind, value in KINDS.items():
            yield _event(f"event {name}={kind}", {**event, name: value})
        yield _event(f"event without {name}", {k: v for k, v in event.items() if k != name})
    for name in ("surface", "serve_id"):
        for kind, value in KINDS.items():
            yield _event(f"event {name}={kind}", {**event, name: value})
    for kind, value in KINDS.items():
        if kind != "zero":
            yield _event(f"event dwell_ms={kind}", {**event, "action": "dwell", "dwell_ms": value})
    yield _event("event unknown field", {**event, "subject_id": str(uuid.uuid4())})


def wrong_batches(item: int) -> Iterator[Hostile]:
    """Batches that must be refused whole though most of their events are good."""
    event = good_event(item)
    yield _request("no events", "POST", EVENTS, {"events": []})
    yield _request("101 events", "POST", EVENTS, {"events": [good_event(item) for _ in range(101)]})
    for kind, value in KINDS.items():
        if kind != "array":
            yield _request(f"events={kind}", "POST", EVENTS, {"events": value})
        yield _request(f"an event={kind}", "POST", EVENTS, {"events": [good_event(item), value]})
    yield _request("an id twice", "POST", EVENTS, {"events": [event, event]})
    yield _request("an unknown item", "POST", EVENTS, {"events": [good_event(item), good_event(2**53 - 1)]}, 422)
    foreign = {**good_event(item), "serve_id": str(uuid.uuid4())}
    yield _request("a foreign slate", "POST", EVENTS, {"events": [good_event(item), foreign]}, 422)
    dwell = {**good_event(item), "action": "dwell"}
    yield _request("a dwell without time", "POST", EVENTS, {"events": [good_event(item), dwell]})
    timed = {**good_event(item), "dwell_ms": 10}
    yield _request("a like with a time", "POST", EVENTS, {"events": [good_event(item), timed]})
    for action in ("follow", "comment", "report", "LIKE", "1", "like "):
        yield _event(f"action {action!r}", {**event, "action": action})
    for text in ("0" * 32, f"urn:uuid:{uuid.uuid4()}", f"{{{uuid.uuid4()}}}", "g" * 36, str(uuid.uuid4())[:-1]):
        yield _event(f"id {text[:12]}", {**event, "id": text})


def wrong_moments(item: int) -> Iterator[Hostile]:
    """Times outside what can have happened, or that two readers could read differently."""
    for text in (
        "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01T00:00:00Z",
        "2999-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z",
        "yesterday", "1767225600", "2026-01-01T00:00:00+99:99", "-2026-01-01T00:00:00Z",
    ):  # fmt: skip
        yield _event(f"occurred_at {text}", {**good_event(item), "occurred_at": text})
    yield _event("occurred_at as number", {**good_event(item), "occurred_at": 1767225600})


def wrong_envelopes(item: int) -> Iterator[Hostile]:
    """Methods and media types that an address does not know."""
    bodies = {FEED: GOOD_FEED, MODE: GOOD_MODE, EVENTS: {"events": [good_event(item)]}}
    allowed = {path: method for method, path in WRITERS}
    for path, good in bodies.items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
            if method != allowed[path]:
                yield _request(f"{method} {path}", method, path, good, 405)
        for media in (
            "text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
            "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/jsonx", "", "json",
            "application/json; charset=latin-1", "text/json", "application/json; charset*=nosuch''%41",
            "application/json; q=1", "application/json; charset*=utf-8''%00", "application/json; charset=hex",
            'application/json; charset="utf-8',
        ):  # fmt: skip
            yield Hostile(
                name=f"{path} as {media or 'nothing'}", method=allowed[path], path=path, body=_json(good),
                content_type=media, expected=frozenset({415}),
            )  # fmt: skip
        yield Hostile(
            name=f"{path} wants XML", method=allowed[path], path=path, body=_json({}),
            headers={"Accept": "application/xml"}, expected=frozenset({406}),
        )  # fmt: skip
        for accept in ("text/html", "application/*+json", "json", ";", "a/b" * 3000):
            yield Hostile(
                name=f"{path} wants {accept[:20]}", method=allowed[path], path=path, body=_json(good),
                headers={"Accept": accept}, expected=frozenset({406}),
            )  # fmt: skip


def wrong_queries() -> Iterator[Hostile]:
    """Query parameters, of which these addresses take none."""
    for query in ("a=1", "a", "%00=%00", "a=%ff", "format=json", "format=%00", "lang=xx", "version=%0a", "&", "=",
                  "a=1&a=1", "surface=home", "x=" + "y" * 3000,
                  "&".join(f"a{number}=1" for number in range(1001))):  # fmt: skip
        for method, path in WRITERS:
            body = {FEED: GOOD_FEED, MODE: GOOD_MODE}.get(path, {"events": [good_event(1)]})
            yield _request(f"{path}?{query[:20]}", method, f"{path}?{query}", body)
        for path in READERS:
            yield Hostile(name=f"{path}?{query[:20]}", method="GET", path=f"{path}?{query}")


def wrong_audit_queries() -> Iterator[Hostile]:
    """Filters, pages and samples that are none. They are refused before anybody is asked who they are."""
    long = "x" * 65
    wrong = {
        "records": (
            "limit=0", "limit=201", "limit=1e1", "limit=", "after=1", "after=%00", "tier=old", "tier=", "from=today",
            "from=2026-01-01", "to=2999-01-01T00:00:00Z", "model=abc", f"model={'0' * 63}g", f"service={long}",
            f"source={long}", f"surface={long}", f"feed_mode={long}", f"jurisdiction={long}", "surface=%00",
            "surface=%ff", "pseudonym=1", "order=-id", "offset=5", f"reason={'x' * 501}", "reason=%00",
            "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "limit=1&limit=1",
        ),
        "samples": (
            "", "seed=", "seed=a%20b", f"seed={long}", "seed=%00", "seed=a&size=0", "seed=a&size=1001",
            "seed=a&size=x", "seed=a&at=-1", f"seed=a&at={2**53}", "seed=a&at=1.0", "seed=a&from=x", "size=5",
        ),
    }  # fmt: skip
    for what, queries in wrong.items():
        for query in queries:
            yield Hostile(name=f"audit {what}?{query[:30]}", method="GET", path=f"{AUDIT}{what}?{query}")


def bodies_where_none_belongs() -> Iterator[Hostile]:
    """Reads with a body, and bodies that come in chunks."""
    for path in READERS:
        yield Hostile(name=f"GET {path} with a body", method="GET", path=path, body=b"{}")
        yield _request(f"POST {path}", "POST", path, {}, 405)
        yield Hostile(
            name=f"{path} form", method="GET", path=path, body=b"a=1", content_type="application/x-www-form-urlencoded"
        )
    for method, path in WRITERS:
        chunks = {"Transfer-Encoding": "chunked"}
        yield Hostile(name=f"{path} chunked", method=method, path=path, body=b"2\r\n{}\r\n0\r\n\r\n", headers=chunks)


def wrong_headers() -> Iterator[Hostile]:
    """Idempotency keys that are not plain text."""
    for key in ("", " ", "a b", "x" * 65, "ключ", "a\x00b", "../../etc/passwd", "'; --", "😀", "a,b", '"quoted"'):
        yield Hostile(
            name=f"key {key[:12]!r}", method="POST", path=FEED, body=_json(GOOD_FEED),
            headers={"Idempotency-Key": key},
        )  # fmt: skip


def wrong_people() -> Iterator[Hostile]:
    """Nobody, or somebody whose sign-in is over or made up."""
    for cookie in ("", "x", "expired-or-forged-0123456789abcdef", "a" * 4000, "%00", "'; DROP TABLE",
                   "0123456789abc\x00", "0123456789\x1b[2J", "\xff\xfe0123456789"):  # fmt: skip
        for method, path in (*WRITERS, ("GET", f"{SERVES}{uuid.uuid4()}"), ("GET", A_RECORD), ("GET", f"{AUDIT}log")):
            yield Hostile(
                name=f"{method} {path[:14]} with session {cookie[:10]!r}", method=method, path=path,
                body=b"" if method == "GET" else _json(GOOD_FEED), cookie=cookie, expected=frozenset({401}),
            )  # fmt: skip


def wrong_keys() -> Iterator[Hostile]:
    """Headers that carry no auditor's key, though somebody is signed in besides."""
    for header in ("", "Bearer", "Bearer ", "bearer a.b", "Basic YTpi", "Bearer a.b", "Bearer " + "x" * 5000,
                   "Bearer a.b\x00", "Bearer \xff", "Bearer a b", "Bearer a.b, Bearer a.b", "Digest", "."):  # fmt: skip
        for path in (*AUDIT_READERS, f"{AUDIT}records", f"{AUDIT}samples?seed=a"):
            yield Hostile(
                name=f"{path} with {header[:12]!r}", method="GET", path=path, headers={"Authorization": header},
                expected=frozenset({401}),
            )  # fmt: skip


def wrong_addresses() -> Iterator[Hostile]:
    """Addresses and ids that do not exist."""
    for tail in ("", "1", "x", "%00", str(uuid.uuid4()), str(uuid.uuid4())[:-1], "..%2f..%2fetc", "a" * 3000, "null",
                 str(uuid.uuid4()) + "/", "{}", "%ff%fe"):  # fmt: skip
        for base in (SERVES, f"{AUDIT}packs/", f"{AUDIT}escrow/", f"{A_RECORD}/"):
            yield Hostile(name=f"{base} {tail[:20]}", method="GET", path=base + tail, expected=frozenset({404}))
    for path in ("/api/", "/api/v1/", "/api/v2/feed", "/api/v1/feed/", "/api/v1/users", "/api/v1/feed/../admin"):
        yield Hostile(name=f"POST {path}", method="POST", path=path, body=_json(GOOD_FEED), expected=frozenset({404}))


def _request(name: str, method: str, path: str, body: Any, *expected: int) -> Hostile:
    return Hostile(name=name, method=method, path=path, body=_json(body), expected=frozenset(expected or {400}))


def _event(name: str, event: dict[str, Any]) -> Hostile:
    return _request(name, "POST", EVENTS, {"events": [event]})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
