"""In front of the framework: headers that it reads before any handler of errors stands, made readable.

`Content-Type: a/b; charset*=nosuch''x`, from anybody and to any address, would otherwise end in a bare 500.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

WORD: Final = r"[\w!#$%&'*+.^`|~-]"
# RFC 9110 §8.3.1 without the extended values of RFC 2231; a charset can be UTF-8 only.
MEDIA_TYPE: Final = re.compile(
    rf"{WORD}++/{WORD}++(?:[ \t]*+;[ \t]*+"
    rf'(?:charset=(?:utf-8|"utf-8")|(?!charset)[\w-]++=(?:{WORD}*+|"[ !#-\[\]-~]*+")))*+[ \t]*+;?[ \t]*+',
    re.ASCII | re.IGNORECASE,
)


def with_readable_headers(application: WSGIApplication) -> WSGIApplication:
    """Wrap a WSGI application so that it only ever meets headers that can be read."""

    def front(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return application(readable(environ), start_response)

    return front


def readable(environ: dict[str, Any]) -> dict[str, Any]:
    """Empty a Content-Type that is none (the API answers 415 then), and make 0 of a Content-Length that is none."""
    if not MEDIA_TYPE.fullmatch(str(environ.get("CONTENT_TYPE") or "a/b")):
        environ["CONTENT_TYPE"] = ""
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdecimal()):
        environ["CONTENT_LENGTH"] = "0"
    return environ
