"""Reads for the serving pipeline: which decisions act on which items, for whom, where and now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import F, Func, Q, QuerySet, TextField, Value

from compliance.statements.errors import NoStatement
from compliance.statements.models import Decision, Kind, Statement
from compliance.statements.scope import meets
from compliance.statements.types import WITHHOLDING, Penalty
from compliance.subjects.models import Tier

STRICTEST = tuple(Kind.values)
MOST_AMOUNT = 1000
STRICTER = [str(tier) for tier in Tier if tier != Tier.ADULT]
"""Tiers whose decisions hold for somebody of unknown age: every minor's, since nobody knows which is theirs."""


def in_force(*, service: str, territory: str, audience: str, now: datetime) -> QuerySet[Decision]:
    """Decisions that hold for a person of age tier `audience` in `territory` ("": not known) at a moment.

    Only decisions that have their statement: what has none does not act (DSA Art. 17 (D17)).
    """
    return _in(territory).filter(
        Q(tiers=[]) | Q(tiers__overlap=STRICTER if audience == Tier.UNKNOWN else [audience]),
        Q(ends_at=None) | Q(ends_at__gt=now),
        service=service,
        starts_at__lte=now,
        reversal=None,
        statement__isnull=False,
    )


def penalties(
    service: str, item_ids: Collection[int], *, territory: str, audience: str, now: datetime
) -> dict[int, tuple[Penalty, ...]]:
    """Every decision that acts on each of these items, the strictest first, in one query; free items are left out.

    An item can be under several rules at once, and a record cites each of them. Labels are among them.
    """
    found: dict[int, list[Penalty]] = {}
    rows = in_force(service=service, territory=territory, audience=audience, now=now).filter(item_id__in=item_ids)
    for item_id, decision_id, kind, amount in rows.values_list("item_id", "id", "kind", "amount"):
        found.setdefault(item_id, []).append(Penalty(decision_id=decision_id, kind=Kind(kind), amount=amount))
    return {item_id: tuple(sorted(each, key=_strictness)) for item_id, each in found.items()}


def restricted_items(*, service: str, territory: str, audience: str, now: datetime) -> QuerySet[Decision, int]:
    """Ids of the items that may not be in this person's slate: removed, disabled, or not for their age.

    A lazy query, so that it stays a subquery in `eligible_items(...).exclude(id__in=restricted_items(...))`.
    """
    decisions = in_force(service=service, territory=territory, audience=audience, now=now)
    return decisions.filter(kind__in=[str(kind) for kind in WITHHOLDING]).values_list("item_id", flat=True)


def labels_of(decision_ids: Collection[UUID]) -> dict[UUID, str]:
    """The words that an item carries under each of these decisions that is a label; nothing is asked for none.

    Who sees the item reads the rule it is labelled under and why (DSA Art. 17(1)(a)); the facts are its creator's.
    """
    if not decision_ids:
        return {}
    rows = Decision.objects.filter(id__in=decision_ids, kind=Kind.LABELLED)
    said = rows.values_list("id", "ground_reference", "ground_explanation")
    return {one: f"{reference.strip()}: {why.strip()}" for one, reference, why in said}


def amount_of(acting: Iterable[Penalty]) -> int:
    """What all demotions together take off a blended score, in thousandths: never more than all of it."""
    return min(MOST_AMOUNT, sum(penalty.amount or 0 for penalty in acting))


def require_statement(acting: Mapping[int, Iterable[UUID]]) -> None:
    """Refuse decisions (by item) that no statement about that very item stands behind. Raises NoStatement.

    The door asks it of every slate before it is recorded, whoever penalised it (DSA Art. 17 (D17)).
    """
    claimed = {(item_id, decision_id) for item_id, each in acting.items() for decision_id in each}
    rows = Statement.objects.filter(decision_id__in={decision_id for _, decision_id in claimed})
    stated = set(rows.values_list("decision__item_id", "decision_id"))
    if unstated := sorted(claimed - stated, key=str):
        item_id, decision_id = unstated[0]
        raise NoStatement(
            f"Item {item_id} was to be penalised under {decision_id}, and no statement of reasons about it has that "
            "number (DSA Art. 17): take the decision first, then apply it."
        )


def _in(territory: str) -> QuerySet[Decision]:
    places = meets(territory)
    if places is None:
        return Decision.objects.all()
    where = Q(territories=[]) | Q(territories__overlap=list(places.codes))
    if not places.parts:
        return Decision.objects.filter(where)
    said = Func(F("territories"), Value(","), function="array_to_string", output_field=TextField())
    return Decision.objects.alias(places=said).filter(where | Q(places__regex=places.parts))


def _strictness(penalty: Penalty) -> tuple[int, int, str]:
    return STRICTEST.index(penalty.kind), -(penalty.amount or 0), str(penalty.decision_id)
