"""Which of a person's events each feature of the history stands for: what is not allowed is not read."""

from __future__ import annotations

from typing import Final

from ranking.data.schema import Action

OPENS: Final = "history.opens"
LIKES: Final = "history.likes"
WATCH_TIME: Final = "history.watch_time"
EXPLICIT: Final = "history.explicit"

ACTIONS: Final[dict[str, tuple[Action, ...]]] = {
    OPENS: (Action.SEEN, Action.CLICK, Action.COMMENT, Action.FORWARD, Action.FOLLOW),
    LIKES: (Action.LIKE,),
    WATCH_TIME: (Action.DWELL, Action.LONG_VIEW),
    EXPLICIT: (
        Action.MORE,
        Action.NOT_INTERESTED,
        Action.REPORT,
        Action.RATED_1,
        Action.RATED_2,
        Action.RATED_3,
        Action.RATED_4,
        Action.RATED_5,
    ),
}
"""Every action belongs to one feature. Explicit: what was said on purpose, and for no other reason."""


def allowed_actions(features: frozenset[str]) -> frozenset[Action]:
    """The actions whose events may be read."""
    return frozenset(action for feature, actions in ACTIONS.items() if feature in features for action in actions)
