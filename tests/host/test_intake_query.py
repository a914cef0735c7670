"""Typed query parameters: what an address does not know, twice or wrongly spelled is refused by name."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from host.api.fields import CanonicalUUID, Choice, PastMoment
from host.api.query import MAX_PARAMETERS, FlagText, NumberText, QueryParameters, read_query
from host.api.refusal import Refusal


class Page(QueryParameters):
    """One parameter of every kind."""

    limit = NumberText(min_value=1, max_value=100, default=20)
    erased = FlagText(required=False)
    surface = Choice(choices=["home", "related"], required=False)
    after = CanonicalUUID(required=False)
    since = PastMoment(required=False)
    words = serializers.CharField(max_length=10, trim_whitespace=False, required=False)


def message(query: str) -> str:
    """Ask what must be refused; return the sentence."""
    with pytest.raises(Refusal) as caught:
        read_query(query, Page)
    assert caught.value.status_code == 400
    assert caught.value.message.endswith(".")
    return caught.value.message


def test_every_kind_is_read_as_what_it_is() -> None:
    serve = uuid.uuid4()
    query = f"limit=100&erased=false&surface=home&after={serve}&since=2026-01-02T03:04:05Z&words=%20%C3%A9%20"
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert read_query(query, Page) == {
        "limit": 100, "erased": False, "surface": "home", "after": serve, "since": moment, "words": " é ",
    }  # fmt: skip


def test_what_is_left_out_has_its_default_or_is_not_there() -> None:
    assert read_query("", Page) == {"limit": 20}
    assert read_query("", QueryParameters) == {}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limt=1", "limt"),
        ("limit=1&LIMIT=1", "LIMIT"),
        ("format=json", "format"),
        ("limit=1&limit=1", "limit"),
        ("%6cimit=1&limit=2", "limit"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=05", "limit"),
        ("limit=-0", "limit"),
        ("limit=1.0", "limit"),
        ("limit=1e2", "limit"),
        ("limit=0x10", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A3", "limit"),  # three, in Arabic digits
        ("limit=5%0A", "limit"),
        ("limit=" + "9" * 1000, "limit"),
        ("limit=%00", "limit"),
        ("limit[]=1", "limit[]"),
        ("erased=1", "erased"),
        ("erased=True", "erased"),
        ("surface=Home", "surface"),
        ("surface=%00", "surface"),
        ("after=1", "after"),
        ("after={00000000-0000-0000-0000-000000000000}", "after"),
        ("since=2026-01-01", "since"),
        ("since=2999-01-01T00:00:00Z", "since"),
        ("words=" + "x" * 11, "words"),
        ("words=", "words"),
        ("words=a%00b", "words"),
    ],
)
def test_a_refusal_names_the_parameter(query: str, name: str) -> None:
    assert f"'{name}'" in message(query)


@pytest.mark.parametrize(
    "query", ["limit", "&", "limit=1&", "=", "a;b", "limit=%ff", "limit=é", "x" * 3000, "&".join(["a=1"] * 30)]
)
def test_what_is_not_pairs_of_name_and_value_is_refused(query: str) -> None:
    assert "query" in message(query)


@pytest.mark.parametrize(("query", "what"), [("words=%ff", "UTF-8"), ("words=a%00b", "NUL"), ("%00=a%00b", "NUL")])
def test_what_is_no_text_is_refused_for_that(query: str, what: str) -> None:
    assert what in message(query)


def test_an_address_that_takes_none_says_so() -> None:
    with pytest.raises(Refusal, match=r"known: none"):
        read_query("lang=de", QueryParameters)


def test_a_long_name_is_not_sent_back_whole() -> None:
    assert len(message("n" * 1500 + "=1")) < 300


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=300), max_size=60))
def test_any_query_is_read_or_refused_in_words(query: str) -> None:
    values: dict[str, Any] = {}
    with contextlib.suppress(Refusal):
        values = read_query(query, Page)
    assert set(values) <= set(Page().fields)


def test_more_parameters_than_any_address_knows_are_not_looked_at() -> None:
    assert str(MAX_PARAMETERS) in message("&".join(f"a{number}=1" for number in range(MAX_PARAMETERS + 1)))
