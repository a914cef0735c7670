"""Drops cookies that no browser of ours holds: a quoted cookie can spell NUL, which no database column stores."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class PlainCookies:
    """Middleware, before the session's: a cookie with a control character is as good as none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Forget cookies with unprintable characters in their value."""
        for name in [name for name, value in request.COOKIES.items() if not value.isprintable()]:
            del request.COOKIES[name]
        return self.get_response(request)
