"""The strict parser: what it refuses, that it takes linear time, and that depth costs no stack."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.api.parsers import MAX_BYTES, MAX_DEPTH, MAX_INTEGER, StrictJSONParser, _judged, _plain, parse_object
from host.api.refusal import Refusal

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        '"',
        "\\",
        "u0000",
        "u",
        "d800",
        "dc00",
        ":",
        ",",
        "1",
        "-",
        "e9",
        "a",
        "NaN",
        " ",
        "\x00",
        "é",
    ]
)


def refused(data: bytes) -> Refusal:
    """Parse what must be refused; return the refusal, whose message is a sentence."""
    with pytest.raises(Refusal) as caught:
        parse_object(data)
    assert caught.value.message.endswith(".")
    return caught.value


def texts_in(value: Any) -> list[str]:
    """Every text in a value, keys too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_in(part)]
    return [text for part in value for text in texts_in(part)] if isinstance(value, list) else []


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=4), st.booleans())
def test_what_holds_none_of_it_is_read_as_any_parser_reads_it(value: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    if "\x00" in "".join(texts_in(value)):
        assert "NUL" in refused(text.encode()).message
    else:
        assert parse_object(text.encode()) == json.loads(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_is_sent_is_read_or_refused_in_words(text: str) -> None:
    value: Any = None
    with contextlib.suppress(Refusal):
        value = parse_object(b'{"a": ' + text.encode() + b"}")
    assert not any("\x00" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in texts_in(value))


SPELT = st.sampled_from(['"a":', "{}", "[]", "1.0", "-0", "1e16", "1e-7", "0.1"])


def compact(value: Any) -> bytes:
    """Written as a quick producer would."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def same_as_judged(data: bytes) -> None:
    """What is read quickly is what the slower look reads too, type by type."""
    plain = _plain(data)
    if plain is not None:
        assert repr(plain) == repr(_judged(data))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.text(), VALUES | st.text(st.characters()) | st.integers(), max_size=4))
def test_a_plain_spelling_is_read_quickly_and_as_the_slower_look_reads_it(value: dict[str, Any]) -> None:
    same_as_judged(compact(value))


@settings(max_examples=500, deadline=None)
@given(
    st.lists(PIECES | st.sampled_from(['"a":', "{}", "[]", "1.0", "-0", "1e16", "1e-7", "0.1"]), max_size=12).map(
        "".join
    )
)
def test_no_spelling_is_read_quickly_that_the_slower_look_would_refuse(text: str) -> None:
    same_as_judged(b'{"a":' + text.encode() + b"}")


def test_an_ordinary_object_is_read_quickly_and_any_other_spelling_is_not() -> None:
    assert _plain(compact({"a": ["é", 1, 0.5, None, True, {"b": {}}]})) is not None
    for other in (b'{"a": 1}', b'{"a":1,"a":1}', b'{"a":"\\u00e9"}', b'{"a":1.50}', b'{"a":9007199254740993}', b"[]"):
        assert _plain(other) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'{"a": "\u0000"}', "NUL"),
        (r'{"a\u0000": 1}', "NUL"),
        (r'{"a": "\\\u0000"}', "NUL"),
        (r'{"a": "\ud800"}', "surrogate"),
        (r'{"a": "\ud800\\udc00"}', "surrogate"),
        (r'{"a": "\udc00\ud800"}', "surrogate"),
        (r'{"a": "\ud83d\ude00\uDE00"}', "surrogate"),
        (r'{"a": 1, "\u0061": 2}', "same key"),
        ('{"a": {"b": [{"c": 1, "c": 1}]}}', "same key"),
        ('{"a": NaN}', "NaN"),
        ('{"a": [-Infinity]}', "Infinity"),
        ('{"a": 1e400}', "too large"),
        (f'{{"a": {MAX_INTEGER + 1}}}', "integer"),
        (f'{{"a": {-MAX_INTEGER - 1}}}', "integer"),
        (f'{{"a": {"9" * 60_000}}}', "digits"),
        (f'{{"a": 0.{"9" * 60_000}}}', "digits"),
        ("[1]", "object"),
        ("", "JSON"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: str, words: str) -> None:
    assert words in refused(text.encode()).message


def test_what_only_looks_like_it_is_read() -> None:
    quoted = "[" * 100 + r"\"{" * 100
    start = r'{"a": "\\u0000 \ud83d\ude00 \\ud800 [[[", '
    text = start + f'"b": {MAX_INTEGER}, "c": {-MAX_INTEGER}, "d": "{quoted}"}}'
    assert parse_object(text.encode())["a"] == "\\u0000 😀 \\ud800 [[["


@pytest.mark.parametrize("kinds", [("[", "]"), ('{"a":', "}")])
def test_64_levels_are_read_and_65_refused(kinds: tuple[str, str]) -> None:
    def nested(levels: int) -> bytes:
        return ('{"a":' + kinds[0] * (levels - 1) + "1" + kinds[1] * (levels - 1) + "}").encode()

    assert parse_object(nested(MAX_DEPTH)) == _judged(nested(MAX_DEPTH)) == _plain(nested(MAX_DEPTH))
    assert "levels deep" in refused(nested(MAX_DEPTH + 1)).message


@pytest.mark.parametrize(
    "body", [b'{"a":' + b"[" * 500_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 250_000 + b"]" * 250_000]
)
def test_depth_is_refused_without_recursion(body: bytes) -> None:
    """Half a million levels, with next to no stack left: the standard library's parser raises RecursionError."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200 + len_of_stack())
    try:
        with pytest.raises(RecursionError):
            json.loads(body)
        assert "levels deep" in refused(body).message
    finally:
        sys.setrecursionlimit(limit)


def len_of_stack() -> int:
    """How many Python frames are open."""
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame, count = frame.f_back, count + 1
    return count


@pytest.mark.parametrize(
    "unit",
    [b"[]", b'"', b'\\"', b"\\", b"\\u0041", b"{}", b'"a",', b"1,", b"\\ud83d\\ude00", b'{"a":1},', b"9", b" ", b"[["],
)
def test_time_grows_with_length_and_no_faster(unit: bytes) -> None:
    """Eight times as much takes at most about eight times as long: three times that is allowed for a busy machine."""

    def seconds(size: int) -> float:
        body = b'{"a": [' + unit * (size // len(unit)) + b"]}"
        best = 60.0
        for _ in range(5):
            started = time.process_time()
            with contextlib.suppress(Refusal):
                parse_object(body)
            best = min(best, time.process_time() - started)
        return best

    short, long = seconds(64_000), seconds(512_000)
    assert long < max(24 * short, 0.02)


class View:
    """A view that reads more, or less."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes


@pytest.mark.parametrize("most", [100, MAX_BYTES])
def test_no_more_than_the_limit_is_read_whatever_was_announced(most: int) -> None:
    body = io.BytesIO(b'{"a": "' + b"x" * 10_000_000)
    with pytest.raises(Refusal) as caught:
        StrictJSONParser().parse(body, "application/json", {"view": View(most)})
    assert caught.value.status_code == 413
    assert body.tell() == most + 1


def test_a_body_of_exactly_the_limit_is_read() -> None:
    body = b'{"a": "' + b"x" * 91 + b'"}'
    assert len(body) == 100
    assert StrictJSONParser().parse(io.BytesIO(body), "application/json", {"view": View(100)}) == {"a": "x" * 91}
