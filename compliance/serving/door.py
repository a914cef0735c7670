"""THE door: the only way to a slate. No plan, no slate; no record, no slate."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any

import uuid_utils.compat as uuids
from django.db import Error as AnyDatabaseError
from django.db import connection, transaction
from django.utils.timezone import now as clock

from compliance.audit.cold.errors import ColdDamaged, TooMuch
from compliance.audit.keys.errors import KeyBroken, KeyErased, KeyMissing, VaultRefused
from compliance.audit.keys.services import key_for
from compliance.audit.services import KeyTaken, NewRecord, forget_key, record
from compliance.audit.storage.sealing import SealBroken
from compliance.labels.pools import count_short_list
from compliance.limits.opening import opens_at
from compliance.limits.services import count_break, count_serve
from compliance.policy.constitution.bounds import BoundsRefused
from compliance.policy.constitution.highs import SolverFailed
from compliance.policy.constitution.repair import Unlawful
from compliance.policy.facts import Planned, make_plan
from compliance.policy.in_force import PolicyAway, put_on_record
from compliance.policy.pack import PackRefused
from compliance.policy.router import NoOrder
from compliance.policy.types import Plan
from compliance.serving import pipeline
from compliance.serving.earlier import KeyReused, answer_to, may_be_shown, still_allowed
from compliance.serving.recording import Served, new_record, slate_of
from compliance.serving.restricting import restrictions_for, still_eligible
from compliance.serving.types import Context, Slate
from compliance.statements.errors import NoStatement
from compliance.statements.selectors import require_statement
from compliance.statements.unstated import note_served
from compliance.subjects.models import Subject
from ranking.catalogue.clock import to_ms
from ranking.serving.errors import (
    NoModel,
    NotScored,
    ReadNotAllowed,
    ScorerUnavailable,
    UnknownAnchor,
    UnknownHead,
)
from ranking.serving.types import Asker, Owner, Situation

__all__ = ["Closed", "KeyReused", "NotServed", "UnknownItem", "serve"]

logger = logging.getLogger(__name__)


class NotServed(Exception):
    """Nothing was served, because it could not be planned, computed or recorded. Trying again may help."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Closed(Exception):
    """Nothing is served to this person now, because a rule or a limit of theirs says so. Says which, why and how long.

    `opens_at` is when a list would be served again; None where that is not in sight.
    """

    def __init__(self, plan: Plan, *, opens_at: datetime | None = None, timezone: str = "UTC") -> None:
        self.closed, self.opens_at, self.timezone = plan.closed, opens_at, timezone
        self.reasons = tuple(reason for reason in plan.reasons if reason.field.startswith("closed."))
        super().__init__(" ".join(f"{one.words} (rule {one.rule}, {one.law})" for one in self.reasons))


class UnknownItem(LookupError):
    """The item a list is about does not exist or may not be shown to this subject."""


def serve(*, subject: Subject, context: Context, idempotency_key: str = "") -> Slate:
    """Plan, rank, check, record, and only then return a slate.

    The same `idempotency_key` from the same subject returns the slate that was served before, as long as it would
    still be allowed: after a change of tier, consent or choice, or when an item was withdrawn, it is served anew.
    Raises NotServed, Closed, UnknownItem and KeyReused; in all cases nothing was served.
    """
    with _failing_closed():
        planned = make_plan(subject, context.surface, context.slate_size, context.now)
        put_on_record(planned.policies, service=subject.service, now=context.now)
        if planned.plan.closed:
            if "break_due" in planned.plan.closed:
                count_break(subject=subject, now=context.now)
            raise Closed(planned.plan, opens_at=opens_at(planned, context.now), timezone=subject.timezone)
        earlier = answer_to(subject, context, idempotency_key)
        if earlier is not None and still_allowed(subject, earlier, planned, context.now):
            return slate_of(earlier, replayed=True)
        served = _decide(subject, context, planned)
        new = new_record(served, idempotency_key=idempotency_key)
        try:
            _write(subject, context, served, new, forget=earlier)  # committed before the slate leaves, or this raises
        except KeyTaken:  # the same request, a moment earlier, in another process
            return slate_of(_answered_elsewhere(subject, context, idempotency_key, planned), replayed=True)
        slate = slate_of(served.document, replayed=False)
    if slate.shortfall:
        count_short_list(tier=planned.facts.tier, surface=context.surface)
    return slate


def _write(
    subject: Subject, context: Context, served: Served, new: NewRecord, *, forget: dict[str, Any] | None
) -> None:
    """Commit the record with everything that must stand or fall with it. Raises KeyTaken."""
    planned = served.planned
    watched = planned.plan.logging == "enhanced" or bool(served.penalties)
    alone = forget is None and not planned.counted and not watched
    with _committing(alone=alone):
        if forget is not None:
            forget_key(pseudonym=subject.pseudonym, key=new.idempotency_key, record_id=forget["id"])
        record(new)
        if planned.counted:
            count_serve(subject=subject, now=context.now, break_minutes=planned.plan.break_minutes)
        if served.penalties:
            require_statement(served.penalties_by_item)
            note_served(record_id=served.id, decision_ids=served.penalties)
        if watched:
            _look_again(subject, served)


def _look_again(subject: Subject, served: Served) -> None:
    """Before the commit: whether what was allowed when the list was made still is. Raises NotServed.

    An item can be relabelled or taken down while a list is being made; for minors, and where decisions act, the list
    is not served then, and not on record.
    """
    items = [item.item_id for item in served.decision.slate]
    now = max(served.context.now, clock())
    planned = served.planned
    restrictions = restrictions_for(subject, tier=planned.facts.tier, now=now)
    kept = still_eligible(items, planned.plan, restrictions)
    if not kept or (served.penalties and not may_be_shown(subject, planned, items, now)):
        raise NotServed(
            "What may be shown changed while this list was made, so it was not served: ask again.", retry_after=1
        )


def _answered_elsewhere(subject: Subject, context: Context, key: str, planned: Planned) -> dict[str, Any]:
    """What another process recorded under the same key. Raises NotServed where that cannot be answered with."""
    earlier = answer_to(subject, context, key)
    if earlier is None or not still_allowed(subject, earlier, planned, context.now):
        raise NotServed("This idempotency key was taken by another request: send a new one with a new key.")
    return earlier


def _decide(subject: Subject, context: Context, planned: Planned) -> Served:
    owner = Owner(service=subject.service, pseudonym=subject.pseudonym, epoch=subject.epoch)
    since = subject.history_since
    asker = Asker(
        owner=owner,
        subject_id=subject.id,
        region=subject.region,
        since_ms=None if since is None else to_ms(since),
    )
    situation = Situation(
        surface=context.surface,
        now_ms=to_ms(context.now) + 1,  # what was done up to this very moment counts: events are strictly earlier
        anchor_id=context.anchor_id,
        seed=_seed(subject, context, planned),
    )
    try:
        restrictions = restrictions_for(subject, tier=planned.facts.tier, now=context.now)
        inputs = pipeline.gather(planned.plan, asker, situation, planned.scorer, restrictions)
    except UnknownAnchor as error:
        raise UnknownItem(str(error)) from error
    decision = pipeline.decide(planned.plan, inputs, owner, situation.seed, planned.scorer)
    return Served(
        id=uuids.uuid7(),
        context=context,
        planned=planned,
        asker=asker,
        situation=situation,
        inputs=inputs,
        decision=decision,
        key=key_for(subject.pseudonym),
    )


def _seed(subject: Subject, context: Context, planned: Planned) -> int:
    """A secret lot for what is scored; for other orders the same one all day, so that equal people get equal lists.

    A non-profiled list may depend on a recorded seed, and on nothing about the person (DSA Art. 38).
    """
    if planned.plan.order == "score":
        return secrets.randbits(63)
    said = f"{subject.service} {context.surface} {context.anchor_id} {context.now:%Y-%m-%d}"
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:8]) >> 1


def _committing(*, alone: bool) -> AbstractContextManager[object]:
    """A transaction that is committed when it ends; one statement alone, outside any other, is one by itself."""
    if alone and not connection.in_atomic_block:
        return nullcontext()
    return transaction.atomic(durable=True)


@contextmanager
def _failing_closed() -> Iterator[None]:
    try:
        yield
    except PolicyAway as error:
        raise NotServed(str(error)) from error
    except AnyDatabaseError as error:
        raise NotServed(
            "The list could not be recorded, so it was not served: every list must be on record first. "
            "Try again in a few seconds."
        ) from error
    except ScorerUnavailable as error:
        raise NotServed(str(error), retry_after=error.retry_after) from error
    except (ColdDamaged, TooMuch) as error:
        raise NotServed(
            "What this key answered before cannot be read now. Try again later, or with a new key."
        ) from error
    except (KeyBroken, KeyErased, KeyMissing, SealBroken, VaultRefused) as error:
        logger.exception("A slate could not be sealed.")
        raise NotServed(
            "The list could not be sealed with its person's key, so it was not served: every list must be on record "
            "first. Try again later."
        ) from error
    except (
        BoundsRefused,
        NoModel,
        NoOrder,
        NoStatement,
        NotScored,
        PackRefused,
        ReadNotAllowed,
        SolverFailed,
        UnknownHead,
        Unlawful,
    ) as error:
        logger.exception("A slate could not be decided.")
        raise NotServed(
            "The list could not be decided by its rules, so it was not served. Choose another order, or try later."
        ) from error
