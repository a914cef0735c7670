"""Age restrictions by labels, each with its statement of reasons in the label's own transaction (DSA Art. 17 (D17))."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from compliance.labels.effective import Word
from compliance.labels.grounds import grounds_of
from compliance.labels.models import Label
from compliance.labels.restricting import PUZZLED, Restriction, Rule, restrictions
from compliance.labels.texts import digest_of, text_of
from compliance.labels.values import AUDIENCE, Category, Source, Verdict
from compliance.statements.models import ActorKind, Automation, Decision, Kind
from compliance.statements.services import actor, decide, reverse
from compliance.statements.types import Content, Means, NewDecision
from ranking.catalogue.models import Item

RULES: Final = tuple(str(rule) for rule in Rule)
"""Rules that nobody decides under but this module: whoever wants one says so by a label."""
SCORES: Final = " Scores: "
"""Where in the facts the scores begin. A decision stands while what comes before is the same."""


@dataclass(frozen=True, kw_only=True)
class By:
    """Who said what changed an item's label, and why: a reversal names them."""

    name: str
    kind: ActorKind
    why: str


def state(items: Sequence[Item], words: Mapping[int, list[Word]], *, classifier: str, by: By) -> None:
    """Take the decisions that these items' labels call for, and reverse those that they no longer carry.

    The caller holds the items' rows. Doing it twice changes nothing. Raises DecisionRefused; the caller's transaction
    fails with it, so that no label restricts without its statement.
    """
    called_for = {item.pk: restrictions(words[item.pk], classifier=classifier) for item in items}
    standing = _standing(items)
    concerned = [item for item in items if called_for[item.pk] or standing[item.pk]]
    rows = _rows([item for item in concerned if called_for[item.pk]])
    for item in concerned:
        new = {one.rule: _new(item, one, rows[item.pk], classifier) for one in called_for[item.pk]}
        _settle(item, standing[item.pk], new, by)


def _settle(item: Item, standing: Sequence[Decision], new: dict[Rule, NewDecision], by: By) -> None:
    for decision in standing:
        wanted = new.get(Rule(decision.rule))
        if wanted is not None and _same(decision, wanted):
            del new[Rule(decision.rule)]
            continue
        what = "What this decision rests on no longer holds" if wanted is None else "Another decision takes its place"
        reverse(decision=decision, by=actor(name=by.name, kind=by.kind), reasons=f"{what}: {by.why}.")
    for wanted in new.values():
        decide(service=item.service, new=wanted)


def _same(decision: Decision, wanted: NewDecision) -> bool:
    """Whether a decision says what would be decided now. Another score for the same finding is nothing new."""
    said, now = decision.facts.partition(SCORES)[0], wanted.facts.partition(SCORES)[0]
    return said == now and list(wanted.tiers) == decision.tiers


def _standing(items: Sequence[Item]) -> dict[int, list[Decision]]:
    """Our own decisions that hold these items, in one query."""
    ids = [item.pk for item in items]
    held = Decision.objects.filter(item_id__in=ids, rule__in=RULES, kind=Kind.AGE_RESTRICTED, standing__isnull=False)
    found: dict[int, list[Decision]] = defaultdict(list)
    for decision in held.order_by("id"):
        found[decision.item_id].append(decision)
    return found


def _rows(items: Sequence[Item]) -> dict[int, list[Label]]:
    """What our own sources say of these items now."""
    rows = Label.objects.filter(item__in=items, superseded_by=None, source__in=(Source.CLASSIFIER, Source.MODERATOR))
    found: dict[int, list[Label]] = defaultdict(list)
    for row in rows.order_by("about", "id"):
        found[row.item_id].append(row)
    return found


def _new(item: Item, one: Restriction, rows: Sequence[Label], classifier: str) -> NewDecision:
    behind = _behind(one.rule, rows, classifier, text_sha256=digest_of(text_of(item.title, item.facts)))
    return NewDecision(
        item_id=item.pk,
        kind=Kind.AGE_RESTRICTED,
        rule=str(one.rule),
        facts=_facts(behind),
        reasons=grounds_of(one.rule, [row.about for row in behind]),
        means=_means(behind, rows),
        content=Content(types=(settings.CONTENT_TYPE,)),
        tiers=one.tiers,
    )


def _behind(rule: Rule, rows: Sequence[Label], classifier: str, *, text_sha256: str) -> list[Label]:
    """The labels that a restriction rests on."""
    if rule == Rule.AUDIENCE:
        return [row for row in rows if row.about == AUDIENCE]
    looked = {row.about for row in rows if row.source == Source.MODERATOR and row.text_sha256 == text_sha256}
    if rule == Rule.HELD:
        puzzled = [row for row in rows if row.value in PUZZLED and row.source_name == classifier]
        return [row for row in puzzled if row.about not in looked]
    return [
        row
        for row in rows
        if row.value == Verdict.UNSAFE
        and (row.about not in looked or (row.source == Source.MODERATOR and row.text_sha256 == text_sha256))
    ]


def _facts(behind: Sequence[Label]) -> str:
    """What was found in this very item, by whom and in which text (DSA Art. 17(3)(b))."""
    said = " ".join(_sentence(row) for row in behind)
    texts = ", ".join(sorted({row.text_sha256 for row in behind}))
    scored = [
        f"{row.about} {row.score} of 1000 (version {row.source_sha256[:12]})" for row in behind if row.score is not None
    ]
    return f"{said} The text has the SHA-256 {texts}." + (f"{SCORES}{', '.join(scored)}." if scored else "")


def _sentence(row: Label) -> str:
    if row.about == AUDIENCE:
        return f"A moderator looked at this item and said that it is for the audience “{row.value}”: {row.why}."
    category = Category(row.about).label
    if row.source == Source.MODERATOR:
        return f"A moderator looked at this item and found {category}: {row.why}."
    name, where = row.source_name, "this item's title and description"
    if row.value == Verdict.UNSAFE:
        return f"The text classifier {name} found {category} in {where}."
    if row.value == Verdict.SUSPECT:
        return f"The text classifier {name} suspects {category} in {where}, which accuses nobody: a person will look."
    return f"The text classifier {name} cannot tell whether there is {category} in {where}: a person will look."


def _means(behind: Sequence[Label], rows: Sequence[Label]) -> Means:
    """Who decided, and whether automated means found it or helped (DSA Art. 17(3)(c))."""
    about = {row.about for row in behind}
    flagged = any(row.source == Source.CLASSIFIER and row.value != Verdict.CLEAR and row.about in about for row in rows)
    people = [row for row in behind if row.source == Source.MODERATOR]
    if people:
        by = actor(name=max(people, key=lambda row: row.at).by, kind=ActorKind.PERSON)
        automated = Automation.PARTIALLY if flagged else Automation.NOT
        return Means(decided_by=by, automated_detection=flagged, automated_decision=automated)
    by = actor(name=behind[0].source_name, kind=ActorKind.MACHINE)
    return Means(decided_by=by, automated_detection=True, automated_decision=Automation.FULLY)
