"""One way to set and to take back everything that a person controls, for the page and the API alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from compliance.policy.services import choose_feed
from compliance.subjects import controls
from compliance.subjects.controls import ControlRefused
from compliance.subjects.models import HiddenItem, Subject
from compliance.subjects.services import hide_item, unhide_item
from compliance.subjects.stating import tidy_word
from compliance.subjects.values import SURFACES
from host.api.fields import MAX_ID
from host.dashboard.selectors import may_see

MOST_HIDDEN: Final = 1000
UNDO: Final = ""
"""The value that takes a control back."""
PLAIN: Final = ("topic", "creator", "keyword", "signal", "objective", "pause")
FOLLOWS: Final = ("follow_topic", "follow_creator")
KINDS: Final = ("feed_mode", *PLAIN, *FOLLOWS, "hidden_item")
CHOICES: Final = [(kind, kind) for kind in KINDS]
"""The kinds as the API's schema names them."""


def change(*, subject: Subject, kind: str, target: str, value: str) -> None:
    """Set one thing, or take it back with an empty value. Doing it twice changes nothing.

    Raises ControlRefused, and ModeNotOffered for an order that a rule does not offer.
    """
    if kind not in KINDS:
        raise ControlRefused(f"There is no control {kind!r}: name one of {', '.join(KINDS)}.")
    _CHANGES[kind](subject, kind, target, value)


def _plain(subject: Subject, kind: str, target: str, value: str) -> None:
    if value == UNDO:
        target = tidy_word(target) if kind == "keyword" else target
        controls.clear_control(subject=subject, kind=kind, target=target)
    else:
        controls.set_control(subject=subject, kind=kind, target=target, value=value)


def _feed_mode(subject: Subject, kind: str, target: str, value: str) -> None:
    if target not in SURFACES:
        raise ControlRefused(f"There is no surface {target!r}: name one of {', '.join(SURFACES)}.")
    choose_feed(subject=subject, surface=target, feed_mode=value)


def _follow_topic(subject: Subject, kind: str, target: str, value: str) -> None:
    if value == UNDO:
        controls.unfollow(subject=subject, topic=target)
    else:
        controls.follow(subject=subject, topic=target, close=_close(value))


def _follow_creator(subject: Subject, kind: str, target: str, value: str) -> None:
    creator_id = _number(target)
    if value == UNDO:
        controls.unfollow(subject=subject, creator_id=creator_id)
    else:
        controls.follow(subject=subject, creator_id=creator_id, close=_close(value))


def _hidden_item(subject: Subject, kind: str, target: str, value: str) -> None:
    item_id = _number(target)
    if value == UNDO:
        unhide_item(subject=subject, item_id=item_id)
    elif value != "on" or not may_see(subject=subject, surface="home", item_id=item_id):
        raise ControlRefused("Only a film that is here can be hidden, with the value on: nothing was stored.")
    elif HiddenItem.objects.filter(subject=subject).exclude(item_id=item_id).count() >= MOST_HIDDEN:
        raise ControlRefused(f"You hid {MOST_HIDDEN} films, which is the most: show one of them again first.")
    else:
        hide_item(subject=subject, item_id=item_id)


def _close(value: str) -> bool:
    if value not in ("on", "close"):
        raise ControlRefused("Following is on, close, or an empty value that takes it back: nothing was stored.")
    return value == "close"


def _number(target: str) -> int:
    if not (target.isascii() and target.isdecimal() and 0 < int(target) <= MAX_ID):
        raise ControlRefused("The target must be the number that the API gave it: nothing was stored.")
    return int(target)


_CHANGES: Final[dict[str, Callable[[Subject, str, str, str], None]]] = {
    **dict.fromkeys(PLAIN, _plain),
    "feed_mode": _feed_mode,
    "follow_topic": _follow_topic,
    "follow_creator": _follow_creator,
    "hidden_item": _hidden_item,
}
