"""What the pages show: a slate joined with its items, the person's own reactions, and the orders on offer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from compliance.audit.models import ServeRecord
from compliance.audit.selectors import documents_of
from compliance.policy.facts import active_policies, plan_for
from compliance.policy.types import Reason
from compliance.serving.types import Slate, SlateItem
from compliance.statements.selectors import labels_of
from compliance.subjects.models import HiddenItem, Subject
from host.dashboard.words import EMPTY, MODES, REACTIONS, Reaction, Wording, source_words
from ranking.catalogue.models import Event, Item
from ranking.catalogue.selectors import eligible_items, items_by_id
from ranking.data.schema import Action


@dataclass(frozen=True, kw_only=True)
class Button:
    """A reaction as a button: made already, or not yet."""

    reaction: Reaction
    done: bool


@dataclass(frozen=True, kw_only=True)
class Reactions:
    """What a person may say, and has said, about an item."""

    buttons: tuple[Button, ...]
    hidden: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """One place of a slate, ready to be shown."""

    place: SlateItem
    item: Item
    source: Wording
    buttons: tuple[Button, ...]
    hidden: bool
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One feed mode as the order switch shows it, with the rules that keep it from being offered."""

    mode: str
    words: Wording
    chosen: bool
    offered: bool
    refusals: tuple[Reason, ...]
    consent_would_do: bool  # the person's own agreement is all that is missing


@dataclass(frozen=True, kw_only=True)
class ListPage:
    """A slate as a page shows it. `once` is the page's key: asking again with it gives the same slate."""

    slate: Slate
    once: str
    anchor: Item | None
    mode: Wording
    options: tuple[Option, ...]
    cards: tuple[Card, ...]
    advice: str  # why the list is empty and what to do, where the order rests on what the person declared


@dataclass(frozen=True, kw_only=True)
class ServedSlate:
    """What an event may say about a slate: where it was shown, and which items it held."""

    surface: str
    item_ids: frozenset[int]


def list_page(*, subject: Subject, slate: Slate, once: str, anchor: Item | None = None) -> ListPage:
    """Join a slate with its items and the person's own reactions to them, in the slate's order."""
    ids = [place.item_id for place in slate.items]
    items = items_by_id(ids)
    labels = labels_in(slate)
    reacted, hidden = reactions_to(subject=subject, item_ids=ids), hidden_among(subject=subject, item_ids=ids)
    return ListPage(
        slate=slate,
        once=once,
        anchor=anchor,
        mode=MODES[slate.feed_mode],
        options=options(slate),
        advice="" if slate.items else EMPTY.get(slate.feed_mode, ""),
        cards=tuple(
            Card(
                place=place,
                item=items[place.item_id],
                source=source_words("explore" if place.explored else place.source, related=anchor is not None),
                buttons=buttons(reacted[place.item_id]),
                hidden=place.item_id in hidden,
                labels=labels[place.item_id],
            )
            for place in slate.items
            if place.item_id in items
        ),
    )


def labels_in(slate: Slate) -> dict[int, tuple[str, ...]]:
    """Return the labels that each item of a slate carries, by the decisions that its record cites."""
    words = labels_of({one for place in slate.items for one in place.penalties})
    return {place.item_id: tuple(words[one] for one in place.penalties if one in words) for place in slate.items}


def options(slate: Slate) -> tuple[Option, ...]:
    """Return every feed mode, offered or not, with the rules of the plan that refuse it (DSA Art. 27(3), 38)."""
    refusals: dict[str, list[Reason]] = defaultdict(list)
    for reason in slate.reasons:
        field, _, mode = reason.field.partition(".")
        if field == "offered_modes":
            refusals[mode].append(reason)
    of_consent = active_policies().of_consent
    return tuple(
        Option(
            mode=mode,
            words=words,
            chosen=mode == slate.feed_mode,
            offered=mode in slate.offered_modes,
            refusals=tuple(refusals[mode]),
            consent_would_do=bool(refusals[mode]) and {reason.rule for reason in refusals[mode]} <= of_consent,
        )
        for mode, words in MODES.items()
    )


def buttons(reacted: Iterable[int]) -> tuple[Button, ...]:
    """Return the reaction buttons of an item that is not hidden. "Not interested" was taken back if it is not."""
    done = set(reacted) - {int(Action.NOT_INTERESTED)}
    return tuple(Button(reaction=reaction, done=reaction.action in done) for reaction in REACTIONS.values())


def reactions_of(*, subject: Subject, item_id: int) -> Reactions:
    """Return one item's reaction buttons, and whether it is hidden."""
    return Reactions(
        buttons=buttons(reactions_to(subject=subject, item_ids=[item_id])[item_id]),
        hidden=item_id in hidden_among(subject=subject, item_ids=[item_id]),
    )


def may_see(*, subject: Subject, surface: str, item_id: int) -> bool:
    """Say whether the subject's plan allows an item to be shown at all."""
    return showable(subject=subject, surface=surface).filter(id=item_id).exists()


def showable(*, subject: Subject, surface: str) -> QuerySet[Item]:
    """Return the items that the subject's plan allows to be shown at all, hidden ones too."""
    audiences = plan_for(subject, surface).audiences
    return eligible_items(service=subject.service, audiences=audiences, hidden=())


def reactions_to(*, subject: Subject, item_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return the actions by which a person reacted to each item (an empty set where they did not).

    Read after the slate was served and recorded, to show the state of the buttons: no order depends on it.
    """
    wanted = [int(reaction.action) for reaction in REACTIONS.values()]
    rows = Event.objects.filter(subject_id=subject.id, item_id__in=list(item_ids), action__in=wanted)
    if subject.history_since is not None:  # to them, nothing of before they started again was ever done
        rows = rows.filter(occurred_at__gte=subject.history_since)
    found: dict[int, set[int]] = defaultdict(set)
    for item_id, action in rows.values_list("item_id", "action").distinct():
        found[item_id].add(action)
    return found


def hidden_among(*, subject: Subject, item_ids: Iterable[int]) -> set[int]:
    """Return which of the items the person hid."""
    return set(HiddenItem.objects.filter(subject=subject, item_id__in=list(item_ids)).values_list("item_id", flat=True))


def own_slates(*, subject: Subject, serve_ids: Iterable[UUID]) -> dict[UUID, ServedSlate]:
    """Return those of these slates that this very subject was served, by our own door."""
    whose = {"service": subject.service, "pseudonym": subject.pseudonym, "source": ""}
    records = ServeRecord.objects.filter(**whose, id__in=set(serve_ids))
    return {
        record.id: ServedSlate(
            surface=record.surface,
            item_ids=frozenset(place["item_id"] for place in document["output"]["items"]),
        )
        for record, document in documents_of(records)
    }
