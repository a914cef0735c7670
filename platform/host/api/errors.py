"""Every exception of a view, ours or the framework's, as a refusal in the one shape."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from compliance.assurance.providers import TokenRefused
from compliance.assurance.services import AgeRefused
from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.keys.errors import KeyErased
from compliance.limits.setting import LimitRefused
from compliance.policy.services import ModeNotOffered
from compliance.serving.door import Closed, KeyReused, NotServed, UnknownItem
from compliance.subjects.controls import ControlRefused
from compliance.subjects.guardians import GuardianRefused
from host.api.refusal import DATABASE_AWAY, RETRY_SECONDS, SENTENCES, Refusal, body
from ranking.catalogue.services import UnknownItems

logger = logging.getLogger(__name__)

SIGN_IN: Final = "You are not signed in, or your sign-in has expired. Sign in at /accounts/login/ and try again."
COLD: Final = (
    "What was recorded long ago cannot be read at the moment, so it is not shown. The operator has to look; try again "
    "later."
)
ERASED: Final = "What was on record here was erased, and cannot be read again (GDPR Art. 17)."
FIELDS_WRONG: Final = "Some fields are not as the schema says, so nothing was stored. Correct what `extra` names."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception raised in a view into the one shape; None (500, logged) for what nobody foresaw."""
    refusal = _refusal_of(error)
    if refusal is None:
        return None
    if isinstance(error, DATABASE_AWAY):
        logger.error("The database did not answer a request to the API.", exc_info=error)
    if isinstance(error, ColdDamaged | TooMuch):
        logger.error("The cold tier did not answer a request to the API.", exc_info=error)
    set_rollback()
    response = Response(body(refusal.message, refusal.extra), status=refusal.status_code)
    if refusal.retry_after:
        response["Retry-After"] = str(refusal.retry_after)
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    return response


def _refusal_of(error: Exception) -> Refusal | None:
    match error:
        case Refusal():
            return error
        case NotServed() | Closed():
            return _closed(error) if isinstance(error, Closed) else _not_served(error)
        case OperationalError() | InterfaceError() | InternalError() | ColdDamaged() | TooMuch():
            cold = isinstance(error, ColdDamaged | TooMuch)
            return Refusal(COLD if cold else SENTENCES[503], status=503, retry_after=60 if cold else RETRY_SECONDS)
        case UnknownItem() | Http404():
            return Refusal(str(error) if isinstance(error, UnknownItem) else SENTENCES[404], status=404)
        case (
            ModeNotOffered()
            | KeyReused()
            | GuardianRefused()
            | LimitRefused()
            | AgeRefused()
            | TokenRefused()
            | KeyErased()
        ):
            erased = isinstance(error, KeyErased)
            return Refusal(ERASED if erased else str(error), status=410 if erased else 409)
        case ControlRefused() | UnknownItems():
            unknown = {"unknown_items": [str(item) for item in error.ids]} if isinstance(error, UnknownItems) else {}
            return Refusal(str(error), status=422, extra=unknown)
        case SuspiciousOperation() | MultiPartParserError() | UnreadablePostError():
            return Refusal(SENTENCES[400], status=400)
        case PermissionDenied():
            return Refusal(SENTENCES[403], status=403)
        case exceptions.APIException():
            return _of_framework(error)
    return None


def _not_served(error: NotServed) -> Refusal:
    return Refusal(str(error), status=503, retry_after=error.retry_after)


def _closed(error: Closed) -> Refusal:
    """A list that is closed for now: why, by which rules, and when to ask again. No other client gets it either."""
    opens = error.opens_at
    wait = None if opens is None else max(1, math.ceil((opens - timezone.now()).total_seconds()))
    extra = {
        "code": "closed",
        "closed": list(error.closed),
        "rules": [one.rule for one in error.reasons],
        "opens_at": None if opens is None else opens.isoformat().replace("+00:00", "Z"),
        "retry_after": wait,
    }
    return Refusal(str(error), status=403, retry_after=wait or 0, extra=extra)


def _of_framework(error: exceptions.APIException) -> Refusal:
    """Give the framework's own exceptions our sentences."""
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Refusal(SIGN_IN, status=401)
    if isinstance(error, exceptions.ValidationError):
        return Refusal(FIELDS_WRONG, status=400, extra={"fields": error.detail})
    if isinstance(error, exceptions.Throttled):
        return Refusal(SENTENCES[429], status=429, retry_after=max(1, int(getattr(error, "wait", None) or 1)))
    return Refusal(SENTENCES.get(error.status_code, SENTENCES[400]), status=error.status_code)
