"""Writes of labels: each is added, on record and in effect in one transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.utils import timezone

from compliance.audit.canonical import canonical
from compliance.audit.events import note
from compliance.audit.keys.orders import SCHEDULE, SUBJECT
from compliance.labels.certificates import audience_of
from compliance.labels.classifier.protocol import CANNOT_TELL, TextClassifier
from compliance.labels.classifier.registry import active
from compliance.labels.effective import effective
from compliance.labels.models import Label
from compliance.labels.restricting import PUBLISHED, Rule
from compliance.labels.selectors import current, doubted, unread
from compliance.labels.stating import RULES, By, state
from compliance.labels.texts import digest_of, text_of
from compliance.labels.values import AUDIENCE, Category, Confidence, Source, Verdict
from compliance.statements.models import ActorKind, Decision
from ranking.catalogue.models import Audience, Item

KIND: Final = "label"
"""The audit event of every act here: a moderator's with its item, a machine's with the digest of all it said."""

TEXT_CHANGED: Final = "text changed"
"""What the database writes as `label_source` where it takes a label from an item whose text changed."""
MOST_WHY: Final = 200
"""Characters of a reason. A moderator's is read by the item's creator, where it restricts the item."""
HOUSE: Final = "content labels"
"""The machine that stands for what no moderator and no classifier said."""


class LabelRefused(ValueError):
    """A label that says nothing, or that nobody stands for."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One thing that a source says of an item, on its way in."""

    item_id: int
    about: str
    value: str
    confidence: str
    source: str
    source_name: str = ""
    source_sha256: str = ""
    score: int | None = None


@transaction.atomic
def label_from_catalogue(
    *, service: str, certificates: Mapping[int, tuple[str, str]], genres: Mapping[int, str], by: str, why: str
) -> int:
    """Store what the catalogue's certificates (item id -> system, certificate) and genres (-> audience) say.

    A certificate was given by people who saw the work, so it is held with high confidence; a genre says little, so it
    is held with low. Returns how many labels were new. Raises UnknownCertificate and LabelRefused; nothing is stored.
    """
    said = [
        Said(
            item_id=item_id,
            about=AUDIENCE,
            value=audience_of(system, certificate),
            confidence=Confidence.HIGH,
            source=Source.CERTIFICATE,
            source_name=system,
        )
        for item_id, (system, certificate) in certificates.items()
    ]
    said += [
        Said(item_id=item_id, about=AUDIENCE, value=audience, confidence=Confidence.LOW, source=Source.GENRE)
        for item_id, audience in genres.items()
    ]
    return _store(service, said, by=by, why=why)


@transaction.atomic
def label_by_moderator(*, service: str, item_id: int, about: str, value: str, by: str, why: str) -> int:
    """Store a person's word on an item, which decides its question until the item's text changes.

    `about` is "audience", with one of the audiences, or a category, with `unsafe` or `clear`. `by` names who looked
    and `why` says what they saw. Returns 1, or 0 where they had said so already. Raises LabelRefused.
    """
    return moderate(service=service, item_id=item_id, verdicts={about: value}, by=by, why=why)


@transaction.atomic
def moderate(*, service: str, item_id: int, verdicts: Mapping[str, str], by: str, why: str) -> int:
    """Store all that a person says of an item at once: what each is about, and what they say.

    Returns how many words were new. Raises LabelRefused; then nothing of it is stored.
    """
    if by.strip() in ("", SUBJECT, SCHEDULE) or not why.strip() or len(why.strip()) > MOST_WHY:
        raise LabelRefused(
            f"A moderator's label needs the person who looked and a reason of 1 to {MOST_WHY} characters: name both."
        )
    said = [
        Said(item_id=item_id, about=about, value=value, confidence=Confidence.HIGH, source=Source.MODERATOR)
        for about, value in verdicts.items()
    ]
    return _store(service, said, by=by.strip(), why=why.strip())


@transaction.atomic
def lift(*, decision: Decision, by: str, why: str) -> int:
    """Say, as the person who upheld a complaint, that what an age restriction by label rests on is not so.

    Without it the label would keep the item from minors after its decision was reversed. Returns how many words were
    new; 0 for decisions that rest on no label. Raises LabelRefused.
    """
    if decision.rule not in RULES:
        return 0
    item = Item.objects.select_for_update(no_key=True).get(pk=decision.item_id)
    if decision.rule == Rule.AUDIENCE:
        words = current([item])[item.pk]
        published = effective([word for word in words if word.source in PUBLISHED], classifier="").suitable_from
        verdicts = {AUDIENCE: published} if published else {}
    else:
        verdicts = dict.fromkeys(doubted(item), str(Verdict.CLEAR))
    return moderate(service=decision.service, item_id=item.pk, verdicts=verdicts, by=by, why=why)


@transaction.atomic
def label_by_classifier(*, service: str, limit: int = 500) -> int:
    """Have the house's classifier read up to `limit` new or changed items. Returns how many it read.

    Running it twice changes nothing. Raises ClassifierBroken.
    """
    classifier = active()
    if classifier is None:
        return 0
    items = list(
        unread(service=service, classifier=classifier).select_for_update(no_key=True, skip_locked=True)[:limit]
    )
    if items:
        _store(service, _scored(classifier, items), by=SCHEDULE, why="read by the classifier")
    return len(items)


def read_all(*, service: str, budget_s: float) -> int:
    """Have all new and changed items read, batch after batch, or as many as the time allows. Returns how many.

    Each batch is a transaction of its own, unless the caller has one open. Raises ClassifierBroken.
    """
    began, total = time.monotonic(), 0
    while time.monotonic() - began < budget_s:
        read = label_by_classifier(service=service)
        total += read
        if read == 0:
            break
    while settle_changed(service=service) and time.monotonic() - began < budget_s:
        pass
    return total


@transaction.atomic
def settle_changed(*, service: str, limit: int = 500) -> int:
    """Compute the labels of items whose text changed and which no classifier has anything new to say of.

    A trigger takes an item from minors when its text changes (migration 0004); reading it gives it its label again.
    What is left is what nobody reads (no classifier), or has its old text back. Returns how many there were.
    """
    changed = Item.objects.filter(service=service, suitable_from="", label_source=TEXT_CHANGED).order_by("id")
    items = list(changed.select_for_update(no_key=True, skip_locked=True)[:limit])
    if items:
        write_effective(items, by=By(name=HOUSE, kind=ActorKind.MACHINE, why="the text changed"))
    return len(items)


def _scored(classifier: TextClassifier, items: Sequence[Item]) -> list[Said]:
    """What a classifier says of items' texts, category by category."""
    score_NC = classifier.score([text_of(item.title, item.facts) for item in items])
    return [
        _verdict(classifier, item.pk, category, int(score_NC[row, column]))
        for row, item in enumerate(items)
        for column, category in enumerate(classifier.categories)
    ]


def _verdict(classifier: TextClassifier, item_id: int, category: str, score: int) -> Said:
    bounds = classifier.thresholds[category]
    if score == CANNOT_TELL:
        value, confidence = Verdict.UNREADABLE, Confidence.LOW
    elif score >= bounds.sure:
        value, confidence = Verdict.UNSAFE, Confidence.MEDIUM  # precise on such texts as it learnt from, less elsewhere
    elif score >= bounds.flagged:
        value, confidence = Verdict.SUSPECT, Confidence.LOW
    else:
        value, confidence = Verdict.CLEAR, Confidence.LOW  # of what it was taught to see: nothing else was looked for
    return Said(
        item_id=item_id,
        about=category,
        value=value,
        confidence=confidence,
        source=Source.CLASSIFIER,
        source_name=classifier.name,
        source_sha256=classifier.sha256,
        score=None if score == CANNOT_TELL else score,
    )


def _store(service: str, said: Sequence[Said], *, by: str, why: str) -> int:
    """Add what is new, supersede what it replaces, put it on record, and write the effective labels."""
    for one in said:
        _check(one)
    items = Item.objects.select_for_update(no_key=True).filter(service=service, id__in={one.item_id for one in said})
    held = {item.pk: item for item in items.order_by("id")}
    if missing := sorted({one.item_id for one in said} - held.keys()):
        raise LabelRefused(f"There is no item {missing[0]}: nothing was labelled. Name items of this service.")
    new = _added(said, held, by=by, why=why)
    if new:
        _note(service, new, by=by, why=why)
        write_effective(list(held.values()), by=_sayer(said[0], by=by, why=why))
    return len(new)


def _sayer(said: Said, *, by: str, why: str) -> By:
    """Who stands for a change: the person who looked, the classifier that read, or the catalogue's own labels."""
    if said.source == Source.MODERATOR:
        return By(name=by, kind=ActorKind.PERSON, why=why)
    return By(name=said.source_name if said.source == Source.CLASSIFIER else HOUSE, kind=ActorKind.MACHINE, why=why)


def _check(one: Said) -> None:
    allowed = Audience.values if one.about == AUDIENCE else Verdict.values
    if (one.about != AUDIENCE and one.about not in Category.values) or one.value not in allowed:
        raise LabelRefused(
            f"A label cannot say {one.value!r} about {one.about!r}: say one of {', '.join(Audience.values)} about "
            f"{AUDIENCE!r}, or unsafe or clear about one of {', '.join(Category.values)}."
        )
    if one.source == Source.MODERATOR and one.value in (Verdict.SUSPECT, Verdict.UNREADABLE):
        raise LabelRefused("A person who looked says unsafe or clear: suspecting is for machines.")


def _added(said: Sequence[Said], held: Mapping[int, Item], *, by: str, why: str) -> list[Label]:
    at = timezone.now()
    rows = Label.objects.filter(item_id__in=held, superseded_by=None)
    before = {(row.item_id, row.about, row.source, row.source_name): row for row in rows}
    digests = {item_id: digest_of(text_of(item.title, item.facts)) for item_id, item in held.items()}
    new, replaced = [], []
    for one in said:
        label = Label(**asdict(one), text_sha256=digests[one.item_id], by=by, why=why, at=at)
        earlier = before.get((one.item_id, one.about, one.source, one.source_name))
        if earlier is not None:
            if _same(earlier, label):
                continue
            earlier.superseded_by = label.pk
            replaced.append(earlier)
        new.append(label)
    Label.objects.bulk_update(replaced, ["superseded_by"], batch_size=1000)
    Label.objects.bulk_create(new, batch_size=1000)
    return new


def _same(one: Label, other: Label) -> bool:
    """Whether a source says again what it said. A moderator who says it again of another text says something new."""
    fields = ("value", "confidence", "score", "source_sha256", "text_sha256")
    return all(getattr(one, field) == getattr(other, field) for field in fields)


def _note(service: str, new: Sequence[Label], *, by: str, why: str) -> None:
    """Put on record what was said: one label in words, more by the digest of all, which rows can be held to."""
    what = [
        [label.item_id, label.about, label.value, label.confidence, label.source, label.source_name, label.score]
        for label in new
    ]
    sources = sorted({f"{label.source} {label.source_name} {label.source_sha256}".strip() for label in new})
    counted = {"labels": len(new), "sha256": sha256(canonical(what)).hexdigest(), "sources": sources}
    told = {"said": what[0], "text_sha256": new[0].text_sha256} if len(new) == 1 else {}
    note(kind=KIND, happened_at=new[0].at, what={"service": service, "by": by, "why": why, **counted, **told})


def write_effective(items: Sequence[Item], *, by: By) -> int:
    """Write the label that counts to items whose rows the caller holds, with the statements that it calls for.

    Returns how many labels changed. Raises DecisionRefused.
    """
    classifier, words = active(), current(items)
    named, changed = "" if classifier is None else classifier.name, []
    for item in items:
        found = effective(words[item.pk], classifier=named)
        before = (item.suitable_from, item.label_source, item.label_confidence, tuple(item.unsafe))
        if before != (found.suitable_from, found.source, found.confidence, found.unsafe):
            item.suitable_from, item.label_source = found.suitable_from, found.source
            item.label_confidence, item.unsafe = found.confidence, list(found.unsafe)
            changed.append(item)
    fields = ["suitable_from", "label_source", "label_confidence", "unsafe"]
    count = Item.objects.bulk_update(changed, fields, batch_size=500)
    state(items, words, classifier=named, by=by)
    return count


def rewrite_effective(*, service: str, batch: int = 1000) -> int:
    """Compute every item's label anew, as after a change of classifier. Returns how many changed."""
    changed, last = 0, 0
    by = By(name=HOUSE, kind=ActorKind.MACHINE, why="every label was computed anew")
    while True:
        with transaction.atomic():
            rows = Item.objects.select_for_update(no_key=True).filter(service=service, id__gt=last).order_by("id")
            items = list(rows[:batch])
            if not items:
                return changed
            changed, last = changed + write_effective(items, by=by), items[-1].pk
