"""Who may review: accounts with the role of a moderator. A machine has no account (DSA Art. 20(6))."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from host.accounts.models import Role, User
from host.api.refusal import Refusal
from host.dashboard.refusals import for_people, refusal

NOT_YOURS: Final = (
    "Complaints and labels are for moderators, so nothing is shown. What was decided about your own items is at "
    "/statements/; ask the operator if you should be a moderator."
)


def is_moderator(user: object) -> bool:
    """Whether an account may review and decide."""
    return isinstance(user, User) and user.is_active and user.role == Role.MODERATOR


class Moderates(BasePermission):
    """The API's door to review."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether it opens. Raises Refusal (403) in words for somebody signed in; nobody gets the framework's 401."""
        if isinstance(request.user, User) and not is_moderator(request.user):
            raise Refusal(NOT_YOURS, status=403)
        return is_moderator(request.user)


def for_moderators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The pages' door to review: others who are signed in get a page that says so."""

    @for_people
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_moderator(request.user):
            return refusal(request, 403, NOT_YOURS)
        return view(request, *args, **kwargs)

    return guarded


def moderator_behind(request: HttpRequest | Request) -> User:
    """The account. Only behind one of the doors."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Only signed-in people moderate: put the view behind `for_moderators` or `Moderates`.")
    return user
