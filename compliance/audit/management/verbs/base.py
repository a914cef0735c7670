"""What a verb of `manage.py audit` is, and how it speaks: lines or one JSON document, progress on the side."""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from typing import Any, ClassVar, Final, TextIO

from django.core.management.base import OutputWrapper

FAULTS: Final = 1
"""Exit status: the work was done, and something is not as it must be."""
COULD_NOT: Final = 2
"""Exit status: the work could not be done."""
EVERY_S: Final = 0.2


class Talk:
    """Where a verb writes: lines unless JSON was asked for, else one document; progress to whoever watches."""

    def __init__(self, *, out: OutputWrapper, err: TextIO, as_json: bool, progress: bool | None) -> None:
        self._out = out
        self._err = err
        self._as_json = as_json
        self._watched = err.isatty() if progress is None else progress
        self._last = 0.0

    def say(self, text: str, ending: str = "\n") -> None:
        """A line for people."""
        if not self._as_json:
            self._out.write(text, ending=ending)

    def document(self, document: dict[str, Any]) -> None:
        """The one machine-readable document of a verb."""
        if self._as_json:
            self._out.write(json.dumps(document, indent=1, ensure_ascii=False))

    def progress(self, what: str, done: int, total: int | None = None) -> None:
        """How far the work is; a few times a second at most."""
        if not self._watched or time.monotonic() - self._last < EVERY_S:
            return
        self._last = time.monotonic()
        self._err.write(f"{what}: {done:,}{'' if total is None else f' of {total:,}'}\n")
        self._err.flush()


class Verb(ABC):
    """One thing that `manage.py audit` does."""

    name: ClassVar[str]
    help: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:  # noqa: B027 - most verbs take none
        """What the verb takes."""

    @abstractmethod
    def run(self, talk: Talk, **options: Any) -> int:
        """Do it; the exit status, 0 where all is well. Raises CommandError with the status of a failure."""


def add_common(parser: ArgumentParser) -> None:
    """What every verb takes."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON document instead of lines")
    parser.add_argument(
        "--progress",
        action="store_true",
        default=None,
        help="say on standard error how far the work is; always so on a terminal",
    )


def talk_of(out: OutputWrapper, *, as_json: bool, progress: bool | None) -> Talk:
    """A talk on a command's standard output, with progress on the process's standard error."""
    return Talk(out=out, err=sys.stderr, as_json=as_json, progress=progress)
