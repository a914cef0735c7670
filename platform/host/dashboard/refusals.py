"""Pages and answers that say no: always a sentence, the rule where there is one, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from compliance.assurance.providers import TokenRefused
from compliance.assurance.services import AgeRefused
from compliance.limits.setting import LimitRefused
from compliance.policy.services import ModeNotOffered
from compliance.serving.door import Closed, KeyReused, NotServed, UnknownItem
from compliance.subjects.controls import ControlRefused
from compliance.subjects.guardians import GuardianRefused
from compliance.subjects.services import ZoneRefused
from host.api.refusal import DATABASE_AWAY, RETRY_SECONDS, plain_error
from host.dashboard.services import ConsentNotOffered
from host.dashboard.words import MODES
from ranking.catalogue.services import UnknownItems

REFUSED: Final = (
    ModeNotOffered,
    KeyReused,
    ConsentNotOffered,
    GuardianRefused,
    LimitRefused,
    ZoneRefused,
    AgeRefused,
    TokenRefused,
)
"""What a rule does not allow: 409, with its sentence."""
View = Callable[..., HttpResponse]
NO_SUCH_ITEM: Final = "This film is not here, or it is not in the lists that you can see. Go back to your feed."
CLOSED_TITLES: Final = {
    "asleep": "Time to sleep",
    "day_used_up": "That was all for today",
    "break_due": "Time for a break",
}
SENTENCES: Final = {
    400: "The request could not be read, so nothing was done. Go back, reload the page and try again.",
    403: "You may not see this page. Sign in with an account that may, or go back to your feed.",
    404: "There is no page at this address, or it is not yours to see. Check the address, or go back to your feed.",
    405: "This address does not take that kind of request, so nothing was done. Go back to your feed and try there.",
    409: "This was refused by a rule.",
}


def for_people(view: View) -> View:
    """Let only signed-in people in, keep their pages out of caches, and turn the rooms' refusals into pages."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_login(request)
        try:
            response = view(request, *args, **kwargs)
        except NotServed as error:
            response = _not_served(request, str(error))
            response["Retry-After"] = str(error.retry_after)
        except Closed as error:
            response = _closed(request, error)
        except REFUSED as error:
            response = refusal(request, 409, str(error))
        except ControlRefused as error:
            response = refusal(request, 422, str(error))
        except (UnknownItem, UnknownItems):
            response = refusal(request, 404, NO_SUCH_ITEM)
        add_never_cache_headers(response)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response

    return guarded


class WordsForMethods:
    """Middleware: gives the framework's empty 405 a sentence, in the API's shape under /api/."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Replace an empty 405, keeping which methods are allowed."""
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or response.content:
            return response
        worded = _answer(request, 405)
        worded["Allow"] = response["Allow"]
        return worded


def refusal(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """Return the page of a refusal. htmx picks the sentence out of it and puts it into the status line."""
    title = HTTPStatus(status).phrase.capitalize()
    return render(request, "refusal.html", {"sentence": sentence, "title": title, "status": status}, status=status)


def _not_served(request: HttpRequest, sentence: str) -> HttpResponse:
    """Return the page of a list that was not served, with the orders that may be served all the same."""
    modes = [(mode, words) for mode, words in MODES.items() if mode != "personalised"]
    context = {"sentence": sentence, "title": "Your list is not ready", "status": 503, "modes": modes}
    return render(request, "not_served.html", context, status=503)


def _closed(request: HttpRequest, error: Closed) -> HttpResponse:
    """Return the calm page of a list that is closed for now: why, by which rule, and until when."""
    context = {
        "title": CLOSED_TITLES[error.closed[0]],
        "sentence": str(error),
        "reasons": error.reasons,
        "opens_at": error.opens_at,
        "zone": error.timezone,
    }
    return render(request, "closed.html", context, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400, in the API's shape under /api/."""
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403, in the API's shape under /api/."""
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, in the API's shape under /api/."""
    return _answer(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 where it is the database that broke, without touching it.

    Every layer of middleware hands its uncaught exceptions to this handler, so sign-in and session are covered too.
    """
    away = isinstance(sys.exception(), DATABASE_AWAY)
    status = 503 if away else 500
    if request.path.startswith("/api/"):
        response: HttpResponse = plain_error(request, status)
    else:
        response = HttpResponse(render_to_string(f"{status}.html"), status=status)
    if away:
        response["Retry-After"] = str(RETRY_SECONDS)
    add_never_cache_headers(response)
    return response


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/api/"):
        return plain_error(request, status)
    return refusal(request, status, SENTENCES[status])


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(resolve_url("account_login"))
    back = request.get_full_path() if request.method in {"GET", "HEAD"} else "/"
    return redirect_to_login(back)
