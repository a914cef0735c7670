"""Writes: decisions with their statements, reversals, and whose a creator is. Each is on record as it is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from compliance.audit.canonical import digest
from compliance.audit.events import note
from compliance.statements.checks import check
from compliance.statements.errors import AlreadyDecided, DecisionRefused
from compliance.statements.models import (
    Actor,
    ActorKind,
    CreatorAccount,
    Decision,
    Delivery,
    Reversal,
    Standing,
    Statement,
    Submission,
)
from compliance.statements.scope import in_the_eea, key_of, territories_of, tiers_of
from compliance.statements.types import NewDecision
from compliance.statements.wording import REDRESS, text_of
from compliance.subjects.models import Subject
from ranking.catalogue.clock import to_ms
from ranking.catalogue.models import Creator, Item

KIND: Final = "statement"


def actor(*, name: str, kind: ActorKind) -> Actor:
    """Somebody or something that decides, by a name that names no person. Raises DecisionRefused: of the other kind."""
    found, _ = Actor.objects.get_or_create(name=name, defaults={"kind": kind})
    if found.kind != kind:
        raise DecisionRefused(f"{name} is on record as {found.get_kind_display()}: use another name.")
    return found


@transaction.atomic
def decide(*, service: str, new: NewDecision, now: datetime | None = None) -> Decision:
    """Take a decision: with it, in one transaction, its statement, its delivery, its submission and its audit event.

    DSA Art. 17(1), (3) (D17). Raises DecisionRefused and AlreadyDecided; then nothing of it is stored.
    """
    now = now or timezone.now()
    starts_at = new.starts_at or now
    check(new, starts_at=starts_at)
    item = Item.objects.select_related("creator").filter(service=service, id=new.item_id).first()
    if item is None:
        raise DecisionRefused(f"There is no item {new.item_id} in {service}, so nothing was decided: check its number.")
    decision = _decision(service, new, starts_at=starts_at, now=now)
    _take_place(decision, now=now)
    decision.save(force_insert=True)
    statement = Statement.objects.create(
        decision=decision,
        creator=item.creator,
        text=text_of(decision, title=item.title),
        redress=REDRESS,
        made_at=now,
    )
    if item.creator is not None:
        links = CreatorAccount.objects.filter(creator=item.creator)
        _deliver(statement, [link.subject_id for link in links], now=now)
    if in_the_eea(decision.territories):
        Submission.objects.create(decision=decision, queued_at=now, due_at=now)
    note(kind=KIND, happened_at=now, what={"act": "decided", **_facts_of(decision, statement)})
    return decision


@transaction.atomic
def reverse(*, decision: Decision, by: Actor, reasons: str, now: datetime | None = None) -> Reversal:
    """Take a decision back with a new entry; the next slate is free of it. Raises DecisionRefused."""
    now = now or timezone.now()
    if not reasons.strip():
        raise DecisionRefused("A reversal needs its reasons, as the decision did: write them.")
    try:
        with transaction.atomic():
            made = Reversal.objects.create(decision=decision, by=by, at=now, reasons=reasons)
    except IntegrityError as error:
        raise DecisionRefused(f"Decision {decision.id} was reversed before: nothing was changed.") from error
    Standing.objects.filter(decision=decision).delete()
    note(kind=KIND, happened_at=now, what={"act": "reversed", "decision": str(decision.id), "by": by.name})
    return made


@transaction.atomic
def link_creator(*, creator: Creator, subject: Subject, now: datetime | None = None) -> CreatorAccount:
    """Say whose a creator is; they get what was decided before they were known (DSA Art. 17(2))."""
    now = now or timezone.now()
    if creator.service != subject.service:
        raise DecisionRefused("The creator and the person belong to two services, so they were not linked.")
    link, new = CreatorAccount.objects.get_or_create(creator=creator, subject=subject)
    if new:
        for statement in Statement.objects.filter(creator=creator):
            _deliver(statement, [subject.id], now=now)
        what = {"act": "creator_linked", "creator": creator.id}
        note(kind=KIND, happened_at=now, what=what, pseudonym=subject.pseudonym)
    return link


@transaction.atomic
def unlink_creator(*, creator: Creator, subject: Subject, now: datetime | None = None) -> bool:
    """Take a link back; say whether there was one. What was delivered stays on record, out of their sight."""
    gone, _ = CreatorAccount.objects.filter(creator=creator, subject=subject).delete()
    if gone:
        what = {"act": "creator_unlinked", "creator": creator.id}
        note(kind=KIND, happened_at=now or timezone.now(), what=what, pseudonym=subject.pseudonym)
    return bool(gone)


def mark_read(*, statement: Statement, subject: Subject, now: datetime | None = None) -> None:
    """Note when somebody first opened their statement."""
    unread = Delivery.objects.filter(statement=statement, subject=subject, read_at=None)
    unread.update(read_at=now or timezone.now())


def _decision(service: str, new: NewDecision, *, starts_at: datetime, now: datetime) -> Decision:
    reasons, means, content = new.reasons, new.means, new.content
    return Decision(
        service=service,
        item_id=new.item_id,
        kind=new.kind,
        amount=new.amount,
        rule=new.rule,
        ground=reasons.ground,
        ground_reference=reasons.reference,
        ground_explanation=reasons.explanation,
        ground_url=reasons.url,
        also_illegal=reasons.also_illegal,
        facts=new.facts,
        source=means.source,
        source_identity=means.source_identity,
        notice_id=means.notice_id,
        automated_detection=means.automated_detection,
        automated_decision=means.automated_decision,
        decided_by=means.decided_by,
        decided_at=now,
        starts_at=starts_at,
        ends_at=new.ends_at,
        territories=territories_of(new.territories),
        tiers=tiers_of(new.tiers),
        category=reasons.category,
        more_categories=list(reasons.more_categories),
        keywords=list(reasons.keywords),
        keyword_other=reasons.keyword_other,
        content_types=list(content.types),
        content_type_other=content.type_other,
        content_language=content.language,
        account_type=content.account_type,
        ean=content.ean,
    )


def _take_place(decision: Decision, *, now: datetime) -> None:
    """Hold this item, rule and scope. Raises AlreadyDecided."""
    place = {"item_id": decision.item_id, "rule": decision.rule, "scope": key_of(decision.territories, decision.tiers)}
    Standing.objects.filter(**place, decision__ends_at__lte=now).delete()
    try:
        with transaction.atomic():
            Standing.objects.create(decision_id=decision.id, **place)
    except IntegrityError as error:
        raise AlreadyDecided(_holder(place)) from error


def _holder(place: dict[str, Any]) -> UUID:
    return Standing.objects.values_list("decision_id", flat=True).get(**place)


def _deliver(statement: Statement, subject_ids: list[UUID], *, now: datetime) -> None:
    Delivery.objects.bulk_create(
        [Delivery(statement=statement, subject_id=subject_id, delivered_at=now) for subject_id in subject_ids],
        ignore_conflicts=True,
    )


def _facts_of(decision: Decision, statement: Statement) -> dict[str, Any]:
    """What the log holds of a decision: no free text, so that it describes nobody; the text by its hash."""
    return {
        "decision": str(decision.id),
        "service": decision.service,
        "item": decision.item_id,
        "restriction": str(decision.kind),
        "amount": decision.amount,
        "rule": decision.rule,
        "ground": str(decision.ground),
        "category": decision.category,
        "by": decision.decided_by.name,
        "automated_detection": decision.automated_detection,
        "automated_decision": str(decision.automated_decision),
        "source": str(decision.source),
        "starts_ms": to_ms(decision.starts_at),
        "ends_ms": None if decision.ends_at is None else to_ms(decision.ends_at),
        "territories": decision.territories,
        "tiers": decision.tiers,
        "statement_sha256": digest(statement.text.encode()),
    }
