"""Any number of hostile requests by seed: hostile values at any place of valid bodies, bent bytes, headers, addresses.

Some are valid by chance. What holds for all: an answer below 500, in JSON, and a sentence with every refusal.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from rest_framework.throttling import ScopedRateThrottle

from tests.host.hostile import (
    EVENTS,
    FEED,
    GOOD_FEED,
    GOOD_MODE,
    JSON,
    MODE,
    READERS,
    SCHEMA,
    SERVES,
    Hostile,
    good_event,
)

MARK: Final = "@here@"
NESTED: Final = [("[" * depth + "]" * depth).encode() for depth in (1, 63, 64, 65, 1000, 20_000)]
RAW_VALUES: Final[tuple[bytes, ...]] = (
    b"null", b"true", b"-1", b"0", b"-0", b"1.5", b"1e5", b"1e999", b"-1e-999", b"NaN", b"Infinity", b"-Infinity",
    b"01", b"9007199254740991", b"9007199254740992", b"-9223372036854775809", b"9" * 41, b"9" * 30_000,
    b"0." + b"9" * 30_000, b'""', b'" "',
    b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u202e"',
    b'"\x00"', b'"\x1f"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\\x41"', b'"' + b"x" * 5000 + b'"',
    b'"' + b"\\\\" * 20_000 + b'"', b'"' + b"x" * 70_000 + b'"', b'"%00"', b'"2026-02-30T00:00:00Z"',
    b'"0000-00-00T00:00:00Z"', b'"9999-12-31T23:59:59+14:00"', b'"00000000-0000-0000-0000-000000000000"', b"[]", b"{}",
    b'{"a": 1, "a": 1}', b'{"$where": "1"}', b'{"__proto__": {"x": 1}}', b"[null]", b"'x'", b"undefined", b"", b",",
    b"}", b'"', b'"\\', b"/**/1", b"[" * 30_000, b'{"a":' * 10_000, *NESTED,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\x00", "a\x00b", "\x01", "\x7f", "\xff", "\x80\x81", "x" * 300, "x" * 7000, "%00", "%0d%0aX: y", "../..",
    "'", '"', "{}", "-1", "9" * 400, "null", "a,b;c=d", "=?utf-8?q?=00?=", "${jndi:ldap://x}", "<script>", "*",
    "(", "\t",
)  # fmt: skip
HEADERS: Final = (
    "Accept", "Accept-Language", "Accept-Encoding", "Idempotency-Key", "If-None-Match", "If-Match", "If-Modified-Since",
    "Range", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Request-ID", "Referer", "Origin", "User-Agent", "Authorization", "X-CSRFToken", "HX-Request", "Expect", "TE",
    "Upgrade", "X-Requested-With", "Content-Encoding", "Content-Language", "Forwarded", "Traceparent",
)  # fmt: skip
MORE_FOR_HEADERS: Final = (
    "application/json;q=0", "application/json; indent=9999999", "*/*;q=\x00", "text/html", 'W/"' * 500, '"' * 500,
    "bytes=0-0,-1,99999999999999999999-", "Thu, 99 Foo 99999999 99:99:99 GMT", "DELETE", "PUT", "gzip", "Basic ====",
    "Bearer " + "x" * 2000, "http://[", "trailers", "h2c", "100-continue", "zh-" + "a-" * 1000, "en;q=0." + "1" * 300,
)  # fmt: skip
MEDIA: Final = (
    JSON, "application/json; charset=utf-8", "application/json; charset=nosuch", "application/json; charset=\x00",
    "application/json; boundary=x", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "multipart/form-data", "multipart/form-data; boundary=" + "x" * 500, "text/plain", "*/*", "a" * 1000,
    ";", "/", "\xff/\xff", "application/json; charset*=nosuch''%41", "application/json; charset*=utf-8''%00",
    "a/b; c*=\x00''x", "application/json; charset=undefined", "application/json; charset=hex",
    "application/json; charset*=idna''%ff",
)  # fmt: skip
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW", "post")
FORMS: Final = (
    b"surface=home", b"a=%00&a=%ff", b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n", b"--x",
    b"body=null",
)  # fmt: skip


def strewn(item: int, *, seed: int, count: int) -> Iterator[Hostile]:
    """Yield `count` requests, the same for the same seed. `item` exists."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for number in range(count):
        made = dice.choice(WAYS)(dice, item)
        yield replace(made, name=f"{seed}/{number} {made.name}", expected=frozenset())


def value_somewhere(dice: random.Random, item: int) -> Hostile:
    """Put a hostile value in the place of a value, of a key, or of the whole body."""
    return with_value(valid(dice, item), dice)


def with_value(good: Hostile, dice: random.Random) -> Hostile:
    """Put a hostile value somewhere into a valid body."""
    body = json.loads(good.body)
    parent, key = dice.choice(list(places(body)))
    if isinstance(parent, dict) and dice.random() < 0.2:
        parent[MARK] = parent.pop(key)
    else:
        parent[key] = MARK
    value = dice.choice(RAW_VALUES)
    text = value if dice.random() < 0.03 else json.dumps(body).encode().replace(json.dumps(MARK).encode(), value)
    return replace(good, name=f"value {value[:20]!r}", body=text)


def bytes_bent(dice: random.Random, item: int) -> Hostile:
    """Change, drop, add, repeat or cut bytes of a valid body."""
    return with_bent_bytes(valid(dice, item), dice)


def with_bent_bytes(good: Hostile, dice: random.Random) -> Hostile:
    """Bend a valid body."""
    body = bytearray(good.body)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(body) + 1)
        end = min(len(body), at + dice.randint(1, 30))
        match dice.randrange(5):
            case 0 if at < len(body):
                body[at] ^= 1 << dice.randrange(8)
            case 1:
                del body[at:end]
            case 2:
                body[at:at] = dice.randbytes(dice.randint(1, 8))
            case 3:
                body[at:at] = body[at:end]
            case _:
                del body[at:]
    return replace(good, name="bent bytes", body=bytes(body))


def headers_wrong(dice: random.Random, item: int) -> Hostile:
    """Send one to three headers with values that they cannot have."""
    good = anything(dice, item)
    names = dice.sample(HEADERS, dice.randint(1, 3))
    headers = {name: dice.choice(TEXTS + MORE_FOR_HEADERS) for name in names}
    return replace(good, name=f"headers {', '.join(names)}", headers=headers)


def cookies_wrong(dice: random.Random, item: int) -> Hostile:
    """Send a session that is none."""
    return replace(anything(dice, item), name="cookie", cookie=dice.choice(TEXTS))


def query_wrong(dice: random.Random, item: int) -> Hostile:
    """Ask with parameters that are not known, or not parameters."""
    name = dice.choice(("", "limit", "format", "lang", "version", "%00", "id__in", "[]", "q" * 1000))
    value = dice.choice(("", "1", "%00", "%ff%fe", "%ED%A0%80", "9" * 400, "%0d%0a", "x" * 3000, "&a=1&a=2", "=%"))
    good = anything(dice, item)
    return replace(good, name=f"query {name[:10]}={value[:10]}", path=f"{good.path}?{name}={value}")


def address_wrong(dice: random.Random, item: int) -> Hostile:
    """Ask for what is not there, in ways that resolvers stumble over."""
    tails = (
        "",
        "/",
        "%00",
        "a%00b",
        "%ff%fe",
        "%ED%A0%80",
        "..%2f..%2f",
        "%2e%2e/",
        "x" * 3000,
        "//",
        "%0a",
        "~",
        ";a=b",
        "%",
    )
    base = dice.choice(
        (SERVES, SERVES + str(uuid.UUID(int=dice.getrandbits(128))), FEED, MODE, EVENTS, SCHEMA, "/api/", "/api/v1/")
    )
    return Hostile(name="address", method=dice.choice(("GET", "POST")), path=base + dice.choice(tails))


def envelope_wrong(dice: random.Random, item: int) -> Hostile:
    """Send another method, another media type, or a form."""
    good = anything(dice, item)
    body = dice.choice((*FORMS, good.body, b""))
    return replace(
        good, name="envelope", method=dice.choice(METHODS), content_type=dice.choice(MEDIA), body=body
    )  # fmt: skip


WAYS: Final[tuple[Callable[[random.Random, int], Hostile], ...]] = (
    value_somewhere, value_somewhere, value_somewhere, value_somewhere, bytes_bent, bytes_bent, headers_wrong,
    headers_wrong, cookies_wrong, query_wrong, address_wrong, envelope_wrong,
)  # fmt: skip


def valid(dice: random.Random, item: int) -> Hostile:
    """Make a request with a body that would be accepted."""
    event = {**good_event(item), "id": str(uuid.UUID(int=dice.getrandbits(128), version=4))}
    method, path, body = dice.choice(
        (
            ("POST", FEED, GOOD_FEED),
            ("POST", FEED, {"surface": "related", "item": item, "size": 5}),
            ("PUT", MODE, GOOD_MODE),
            ("POST", EVENTS, {"events": [event]}),
            ("POST", EVENTS, {"events": [{**event, "action": "dwell", "dwell_ms": 5, "surface": "home"}]}),
        )
    )
    return Hostile(name="valid", method=method, path=path, body=json.dumps(body).encode())


def anything(dice: random.Random, item: int) -> Hostile:
    """Make a request with a body or without one."""
    if dice.random() < 0.7:
        return valid(dice, item)
    return Hostile(name="read", method="GET", path=dice.choice(READERS))


def throttle_keys(user_id: int | str) -> list[str]:
    """Return the cache keys that count a person's requests against the rate limits."""
    scopes = ScopedRateThrottle.THROTTLE_RATES
    return [ScopedRateThrottle.cache_format % {"scope": scope, "ident": user_id} for scope in scopes]


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (container, key) of every value below `node`."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(value, dict | list):
            yield from places(value)
