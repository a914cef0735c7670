"""What the pages call things: orders, sources and reactions, in words and with an icon (never colour alone)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ranking.data.schema import Action


@dataclass(frozen=True, kw_only=True)
class Wording:
    """An icon, a short label and a whole sentence."""

    icon: str
    label: str
    sentence: str


MODES: Final[dict[str, Wording]] = {
    "personalised": Wording(
        icon="person",
        label="Personalised",
        sentence="Personalised: ordered by what you did here",
    ),
    "newest": Wording(icon="clock", label="Newest first", sentence="Not personalised: newest first"),
    "popular": Wording(icon="people", label="Most popular", sentence="Not personalised: most popular first"),
    "following": Wording(icon="bell", label="Following", sentence="Not personalised: the newest of whom you follow"),
    "topics": Wording(icon="tag", label="My topics", sentence="Not personalised: the most popular of your topics"),
    "explore": Wording(icon="die", label="Something else", sentence="Not personalised: drawn by lot, afresh each day"),
}

SOURCES: Final[dict[str, Wording]] = {
    "similar": Wording(
        icon="person", label="Close to what you liked", sentence="Found near the films you liked lately."
    ),
    "topics": Wording(icon="tag", label="A topic you follow", sentence="Found because you follow its topic."),
    "following": Wording(icon="bell", label="You follow this", sentence="Found because you follow it."),
    "drawn": Wording(icon="die", label="Drawn by lot", sentence="Drawn by lot, the same for everybody today."),
    "trending": Wording(
        icon="people", label="Popular", sentence="Found among the films that most people liked lately."
    ),
    "newest": Wording(icon="clock", label="New", sentence="Found among the newest films."),
    "essential": Wording(
        icon="bell",
        label="Everyone needs this",
        sentence="Shown to everyone here for a while: two people declared that everyone needs it. It is not about you.",
    ),
    "explore": Wording(
        icon="die",
        label="Drawn at random",
        sentence="Drawn at random among films that every rule allows, so that you see something else too.",
    ),
}

EMPTY: Final = {
    "following": "You follow no creator whose films can be shown here. Follow one on a film's page, and their newest "
    "films come here.",
    "topics": "You follow no topic that has films here. Choose topics among your controls, and their most popular "
    "films come here.",
}
"""Why an order that rests on follows is empty, and what to do; other orders are empty for no such reason."""

FIELDS: Final = {
    "feed_mode": "The order",
    "features": "What may be read",
    "sources": "Where films may come from",
    "adjustments": "Your own weights",
    "muted_topics": "Muted topics",
    "muted_creators": "Muted creators",
    "muted_keywords": "Muted words",
    "audiences": "Which films may be shown",
    "explore_probability": "Films drawn at random",
    "ui": "How the page behaves",
}


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """A button under an item: what it sends, says before and says after."""

    name: str
    action: Action
    icon: str
    label: str
    done: str
    status: str


REACTIONS: Final[dict[str, Reaction]] = {
    reaction.name: reaction
    for reaction in (
        Reaction(
            name="like",
            action=Action.LIKE,
            icon="heart",
            label="Like",
            done="Liked",
            status="You liked %(title)s.",
        ),
        Reaction(
            name="more",
            action=Action.MORE,
            icon="plus",
            label="More like this",
            done="More asked",
            status="You asked for more like %(title)s.",
        ),
        Reaction(
            name="not_interested",
            action=Action.NOT_INTERESTED,
            icon="cross",
            label="Not interested",
            done="Hidden",
            status="%(title)s is hidden.",
        ),
    )
}


def source_words(source: str, *, related: bool = False) -> Wording:
    """Return the words of a source; a source without words is named as it is, never dressed up."""
    if related and source == "similar":
        return Wording(icon="link", label="Similar to this film", sentence="Found near the film on this page.")
    return SOURCES.get(source) or Wording(icon="tag", label=source, sentence=f"Found by the source “{source}”.")


def field_words(field: str) -> str:
    """Return what a plan's field decides, in words."""
    name, _, mode = field.partition(".")
    if name == "offered_modes" and mode in MODES:
        return f"Not offered: {MODES[mode].label}"
    return FIELDS.get(name, field)
