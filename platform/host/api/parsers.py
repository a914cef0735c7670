"""The strict JSON parser: what PostgreSQL, Python or a client could read differently is refused first.

Nesting, NUL and surrogates are judged on the text, in one pass each, before anything is built: depth costs no stack.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

import orjson
from rest_framework.parsers import BaseParser

from host.api.refusal import Refusal

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 64
MAX_INTEGER: Final = 2**53 - 1  # beyond it a client that reads numbers as doubles reads another number (RFC 7493 §2.2)
MAX_NUMBER_LENGTH: Final = 40
# Possessive quantifiers: a text is walked once, whatever stands in it.
STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
BRACKET: Final = re.compile(r"[\[\]{}]")
ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u(?P<nul>0000)|u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class StrictJSONParser(BaseParser):
    """One UTF-8 JSON object in at most 64 KiB (or the view's `max_bytes`), read as RFC 7493 (I-JSON) asks.

    A view may have a `quick_look` that takes bodies of one exact form, all of which this would read, and leaves others.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read one JSON object from `stream`; raise Refusal (400, or 413 when too long) that says what is wrong.

        No more than the limit is read, whatever length was announced.
        """
        view = (parser_context or {}).get("view")
        most = int(getattr(view, "max_bytes", MAX_BYTES))
        data = stream.read(most + 1)
        if len(data) > most:
            raise too_large(most)
        quick_look = getattr(view, "quick_look", None)
        found: dict[str, Any] | None = quick_look(data) if quick_look is not None else None
        return parse_object(data) if found is None else found


def too_large(most: int = MAX_BYTES) -> Refusal:
    """Build the refusal of a body longer than `most` bytes."""
    return Refusal(
        f"The body is larger than {most // 1024} KiB, the most that this address reads. Send less at a time.",
        status=413,
    )


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in `data`, or raise Refusal (RFC 8259 with the stricter reading of RFC 7493, I-JSON).

    Linear in the length of `data`. At most 64 levels; no NUL, no half of a surrogate pair, no NaN or infinity, no key
    twice, integers within ±(2**53 - 1).
    """
    plain = _plain(data)
    return _judged(data) if plain is None else plain


def _judged(data: bytes) -> dict[str, Any]:
    """Read or refuse, however the object is spelt."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(f"The body is not UTF-8 (byte {error.start})") from error
    _check_depth(text)
    _check_escapes(text)
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_exact_integer,
            object_pairs_hook=_no_double,
        )
    except json.JSONDecodeError as error:
        raise _refusal(f"The body is not JSON ({error.msg}, character {error.pos})") from error
    if not isinstance(value, dict):
        raise _refusal("The body is not a JSON object: it must start with {")
    return value


def _plain(data: bytes) -> dict[str, Any] | None:
    """Return the object in `data` where that is spelt in the one plain way; None where the slower look has to judge.

    Plain: what comes out when the object is written again by the quick encoder, byte for byte. That leaves no key
    twice, no number that was rounded, no space and no escape that is not needed; NUL and depth are looked for.
    """
    try:
        value = orjson.loads(data)
        if type(value) is not dict or orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) != data:
            return None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    if b"\\u0000" in data or not _is_shallow(value):
        return None
    return value


def _is_shallow(value: dict[str, Any]) -> bool:
    """Whether an object is nested at most MAX_DEPTH levels deep, found level by level."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return True
    return False


def _check_depth(text: str) -> None:
    """Refuse what is nested too deeply, by counting brackets outside strings: json.loads would recurse.

    Where brackets do not match, json.loads stops at the first that does not, no deeper than was counted up to there.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in BRACKET.findall(STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise _refusal(f"The body is nested more than {MAX_DEPTH} levels deep")


def _check_escapes(text: str) -> None:
    """Refuse text that the database cannot store. UTF-8 holds no bare surrogate, and JSON no bare control character."""
    if "\\u" not in text:
        return
    for escape in ESCAPE.finditer(text):
        if escape["nul"]:
            raise _refusal("A text in the body holds the character NUL (U+0000), which cannot be stored")
        if escape["half"]:
            raise _refusal("A text in the body holds half of a surrogate pair, which is not a character")


def _no_constant(name: str) -> NoReturn:
    raise _refusal(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    _check_length(digits)
    value = float(digits)
    if not math.isfinite(value):
        raise _refusal("A number in the body is too large to be read")
    return value


def _exact_integer(digits: str) -> int:
    _check_length(digits)
    value = int(digits)
    if abs(value) > MAX_INTEGER:
        raise _refusal(f"An integer in the body is beyond ±{MAX_INTEGER}, where clients no longer read it exactly")
    return value


def _check_length(digits: str) -> None:
    """Refuse long numbers before they are computed: that takes more than linear time."""
    if len(digits) > MAX_NUMBER_LENGTH:
        raise _refusal(f"A number in the body has more than {MAX_NUMBER_LENGTH} digits")


def _no_double(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _refusal("The body names the same key twice, so it is not clear what was meant")
    return result


def _refusal(what: str) -> Refusal:
    return Refusal(f"{what}. Nothing was stored; send the request again with that corrected.", status=400)
