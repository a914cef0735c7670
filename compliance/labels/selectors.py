"""Reads of labels: the current ones, the whole story of an item, and what a classifier has yet to read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from compliance.labels.classifier.protocol import TextClassifier
from compliance.labels.effective import Word
from compliance.labels.models import Label
from compliance.labels.restricting import KEEPS_FROM_MINORS, PUZZLED
from compliance.labels.texts import digest_of, text_digest, text_of
from compliance.labels.values import AUDIENCE, Source
from ranking.catalogue.models import Item


def story(item_id: int) -> list[Label]:
    """Everything that was ever said of an item, the latest first."""
    return list(Label.objects.filter(item_id=item_id).order_by("-at", "-id"))


def current(items: Iterable[Item]) -> dict[int, list[Word]]:
    """What counts now, by item: the last word of each source on each question."""
    texts = {item.pk: digest_of(text_of(item.title, item.facts)) for item in items}
    words: dict[int, list[Word]] = defaultdict(list)
    for label in Label.objects.filter(item_id__in=texts, superseded_by=None).order_by("item_id", "about", "id"):
        words[label.item_id].append(
            Word(
                about=label.about,
                value=label.value,
                confidence=label.confidence,
                source=label.source,
                source_name=label.source_name,
                fresh=label.text_sha256 == texts[label.item_id],
            )
        )
    return {item_id: words[item_id] for item_id in texts}


def awaiting_a_person(*, service: str) -> QuerySet[Item]:
    """Items that wait for a moderator: the classifier suspects or cannot read them, and nobody has looked since.

    What a moderator says of each suspected category, or of the audience, takes an item from here.
    """
    current_words = Label.objects.filter(item=OuterRef("pk"), superseded_by=None)
    answer = Label.objects.filter(
        item=OuterRef("item"),
        about=OuterRef("about"),
        text_sha256=OuterRef("text_sha256"),
        source=Source.MODERATOR,
        superseded_by=None,
    )
    puzzled = current_words.filter(~Exists(answer), source=Source.CLASSIFIER, value__in=PUZZLED)
    looked = current_words.filter(source=Source.MODERATOR, text_sha256=OuterRef("digest"))
    items = Item.objects.filter(service=service, is_active=True, suitable_from="").annotate(digest=text_digest())
    return items.filter(Exists(puzzled), ~Exists(looked.filter(about=AUDIENCE))).order_by("id")


def doubted(item: Item) -> list[str]:
    """The categories of which somebody's current word keeps an item from minors, in their order."""
    words = current([item])[item.pk]
    looked = {word.about for word in words if word.by_hand}
    kept = [word for word in words if word.value in KEEPS_FROM_MINORS and (word.by_hand or word.about not in looked)]
    return list(dict.fromkeys(word.about for word in kept))


def unread(*, service: str, classifier: TextClassifier) -> QuerySet[Item]:
    """Items whose text as it is now this version of a classifier has not read: new ones, and those that changed."""
    read = Label.objects.filter(
        item=OuterRef("pk"),
        superseded_by=None,
        source=Source.CLASSIFIER,
        source_name=classifier.name,
        source_sha256=classifier.sha256,
        text_sha256=OuterRef("digest"),
    )
    items = Item.objects.filter(service=service).annotate(digest=text_digest())
    return items.filter(~Exists(read)).order_by("id")
