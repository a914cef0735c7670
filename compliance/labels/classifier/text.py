"""From a text to the features of a linear classifier: the same code when it learns and when it serves."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

WORD, CHARACTERS = "w", "c"
"""The two blocks of features: words and pairs of words; runs of characters within a word."""
SHORTEST_RUN, LONGEST_RUN = 3, 5
LONGEST_TEXT: Final = 5_000
"""Characters that are read of a text: a longer one is cut there, so that nobody makes a worker busy for minutes."""
_URL: Final = re.compile(r"(?:https?://|www\.)\S+|\bt\.co/\S+")
_HANDLE: Final = re.compile(r"@\w+")
_RETWEET: Final = re.compile(r"\brt\b")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SPACED_OUT: Final = re.compile(r"(?<!\w)\w(?:[ .*_-]\w){3,}(?!\w)")
_LEET_WORD: Final = re.compile(r"\S*[a-z]\S*")
_REPEATED: Final = re.compile(r"(\w)\1{2,}")
_LEET: Final = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "$": "s"})


def normalised(text: str) -> str:
    """A text in the spelling that is looked up: no case, no accents, no names of accounts, no addresses.

    Digits for letters (`h4te`), letters set apart (`h a t e`) and drawn-out ones (`haaaate`) are undone where a rule
    can; what other ways of hiding a word do to recall is measured (`docs/labels.md`).
    """
    text = html.unescape(text[:LONGEST_TEXT])
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(one for one in text if unicodedata.category(one) not in ("Mn", "Cf"))
    text = text.replace("\u2019", "'")
    text = _HANDLE.sub(" someone ", _URL.sub(" address ", text))
    text = _SPACED_OUT.sub(lambda found: re.sub(r"[ .*_-]", "", found[0]), _RETWEET.sub(" ", text))
    text = _LEET_WORD.sub(lambda found: found[0].translate(_LEET), text)
    return " ".join(_REPEATED.sub(r"\1\1", text).split())


def words(text: str) -> list[str]:
    """The words of a normalised text."""
    return _WORD.findall(text)


def features(text: str) -> Counter[tuple[str, str]]:
    """(block, feature) with its count, of a text as it was written."""
    found = words(normalised(text))
    counted: Counter[tuple[str, str]] = Counter((WORD, word) for word in found)
    counted.update((WORD, f"{one} {other}") for one, other in pairwise(found))
    for word in found:
        counted.update((CHARACTERS, run) for run in _runs(f" {word} "))
    return counted


def _runs(word: str) -> Iterator[str]:
    for length in range(SHORTEST_RUN, LONGEST_RUN + 1):
        for start in range(len(word) - length + 1):
            yield word[start : start + length]


def readable(text: str) -> bool:
    """Whether a text is one that an English classifier can say anything about: mostly Latin letters, and some.

    A language that is written in Latin letters passes, and is read badly: what that costs is unmeasured.
    """
    letters = [one for one in unicodedata.normalize("NFKD", text[:LONGEST_TEXT]) if one.isalpha()]
    latin = sum("LATIN" in unicodedata.name(one, "") for one in letters)
    return bool(letters) and 2 * latin >= len(letters)
