"""Writes of age assurance: signals and contests are on record, sealed with the person's own key (M1; DSA Art. 28)."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import IntegrityError, transaction

from compliance.assurance.models import AgeChallenge, AgeSignal, Method, SpentToken, TierContest
from compliance.assurance.providers import TokenRefused, read_token, trusted_keys
from compliance.assurance.selectors import effective, latest_decision, open_contest, signals_of
from compliance.assurance.standing import STRICTEST_FIRST, asked_again, month_end, standing_of
from compliance.audit.events import note
from compliance.audit.keys.orders import SCHEDULE, SUBJECT, WHY_LENGTH, same_person
from compliance.subjects.guardians import link_of
from compliance.subjects.models import Assurance, Subject, Tier
from ranking.serving.services import forget_person

CHALLENGE_BYTES: Final = 32
CHALLENGE_HOLDS: Final = timedelta(minutes=30)
WHOLE: Final = 1000
YEARS: Final = {"child": 13, "young_teen": 3, "teen": 2}
"""The longest that somebody stays in a tier."""
METHOD_OF: Final = {Assurance.NONE.value: Method.SELF_DECLARED, **{one.value: one for one in Method}}


class AgeRefused(PermissionError):
    """Something about an age group that a rule does not allow; a sentence that says which, and what to do next."""


@transaction.atomic
def declare(*, subject: Subject, tier: str, now: datetime, expires_on: date | None = None) -> AgeSignal:
    """Say one's own age group: a stricter one at any time, the next one when the month of the old one has ended.

    Who never had any may say any. Raises AgeRefused for everything else: that takes a proof, or a contest.
    """
    held = _locked(subject)
    standing = effective(held, now)
    may = _sayable(held, standing.tier, ended=asked_again(standing.expires_on, now, held.timezone))
    if tier not in may:
        raise AgeRefused(
            "An older age group than the one that holds is not taken from your word alone (M1), so nothing was "
            "changed. Prove it, wait until you are asked again, or contest the age group on this page."
        )
    until = _expiry(tier, expires_on, now)
    return _add(held, subject, method=Method.SELF_DECLARED, tier=tier, now=now, tier_expires_on=until)


@transaction.atomic
def attest(*, guardian: Subject, link_id: int, tier: str, now: datetime, expires_on: date | None = None) -> AgeSignal:
    """Say, as an adult guardian, the age group of one's child: a minor's only. Raises AgeRefused, DoesNotExist."""
    link = link_of(subject=guardian, link_id=link_id)
    if link.guardian_id != guardian.pk:
        raise type(link).DoesNotExist
    if effective(guardian, now).tier != Tier.ADULT or tier not in YEARS:
        raise AgeRefused("A guardian is an adult, and attests that a child is under 18. Nothing was changed.")
    child, until = _locked(link.child), _expiry(tier, expires_on, now)
    return _add(child, link.child, method=Method.GUARDIAN, tier=tier, now=now, tier_expires_on=until)


@transaction.atomic
def challenge(*, subject: Subject, now: datetime) -> str:
    """Make the number that a proof must be about; return it in hexadecimal. The one before is gone."""
    AgeChallenge.objects.filter(subject=subject).delete()
    number = secrets.token_bytes(CHALLENGE_BYTES)
    AgeChallenge.objects.create(
        subject=subject, challenge_sha256=hashlib.sha256(number).hexdigest(), expires_at=now + CHALLENGE_HOLDS
    )
    return number.hex()


@transaction.atomic
def redeem(*, subject: Subject, number: str, token: str, now: datetime) -> AgeSignal:
    """Take a provider's proof: once, for a number of one's own, while its key is in use. Raises TokenRefused.

    What is kept is the tier, the method, the provider's confidence and its name. The proof itself is kept as a hash
    that names nobody.
    """
    held = _locked(subject)
    challenge_bytes = _own_number(held, number, now)
    key, token_sha256 = read_token(token, challenge=challenge_bytes, keys=trusted_keys(), now=now)
    try:
        with transaction.atomic():
            SpentToken.objects.create(token_sha256=token_sha256, spent_on=now.astimezone(UTC).date())
    except IntegrityError as error:
        raise TokenRefused("This proof was used before, and each counts once. Get a new one.") from error
    AgeChallenge.objects.filter(subject=held).delete()
    return _add(
        held,
        subject,
        method=Method(key.method),
        tier=key.tier,
        now=now,
        issuer=key.issuer,
        confidence_milli=key.confidence_milli,
        valid_until=now + timedelta(days=key.holds_days),
        tier_expires_on=_expiry(key.tier, None, now),
    )


@transaction.atomic
def contest(*, subject: Subject, wanted: str, now: datetime) -> TierContest:
    """Say that one's age group is wrong: a person will decide. Raises AgeRefused."""
    held = _locked(subject)
    if wanted not in STRICTEST_FIRST or wanted == effective(held, now).tier:
        raise AgeRefused("Name the age group that is right, which is another than the one that holds now.")
    if open_contest(held) is not None:
        raise AgeRefused("You contested your age group already, and a person will decide. Nothing was added.")
    made = TierContest.objects.create(subject=held, wanted=wanted, asked_at=now)
    _note("age_contest", held, now, {"act": "asked", "contest": made.pk, "wanted": wanted})
    return made


@transaction.atomic
def decide(*, contest_id: int, granted: bool, by: str, why: str, now: datetime) -> TierContest:
    """Decide a contest, as a person who did not decide this subject's last one. Raises AgeRefused, DoesNotExist."""
    found = TierContest.objects.select_for_update().select_related("subject").get(pk=contest_id)
    if found.decided_at is not None:
        raise AgeRefused("This contest is decided. Whoever disagrees contests again, and somebody else decides.")
    by, why = by.strip(), why.strip()
    if not by or by in (SUBJECT, SCHEDULE) or not why or len(why) > WHY_LENGTH:
        raise AgeRefused(f"A person decides, with a reason of 1 to {WHY_LENGTH} characters: name who, and why.")
    before = latest_decision(found.subject)
    if before is not None and same_person(before.decided_by, by):
        raise AgeRefused(f"{by} decided the last contest of this person: somebody else must decide this one.")
    found.decided_at, found.decided_by, found.granted, found.why = now, by, granted, why
    found.save(update_fields=["decided_at", "decided_by", "granted", "why"])
    held = _locked(found.subject)
    said = {"act": "decided", "contest": found.pk, "granted": granted, "decided_by": by, "why": why}
    _note("age_contest", held, now, said)
    if granted:
        until = _expiry(found.wanted, None, now)
        _add(held, found.subject, method=Method.DECIDED, tier=found.wanted, now=now, tier_expires_on=until)
    return found


def forget_spent(*, now: datetime) -> int:
    """Delete challenges that are over, and hashes of proofs that no key in use could have made for a year."""
    AgeChallenge.objects.filter(expires_at__lte=now).delete()
    gone, _ = SpentToken.objects.filter(spent_on__lt=(now - timedelta(days=400)).date()).delete()
    return gone


def _sayable(held: Subject, tier: str, *, ended: bool) -> tuple[str, ...]:
    """Tiers that somebody's word is enough for. After a proof of `adult` has ended, that is a minor's alone."""
    if tier not in STRICTEST_FIRST:
        return tuple(YEARS) if AgeSignal.objects.filter(subject=held).exists() else STRICTEST_FIRST
    return STRICTEST_FIRST[: STRICTEST_FIRST.index(tier) + (2 if ended else 1)]


def _expiry(tier: str, given: date | None, now: datetime) -> date | None:
    """The end of the month after which the person is asked again: as given, else the latest; never for adults.

    Without a month nobody leaves a tier before the youngest who is in it would (M1).
    """
    if tier not in YEARS:
        return None
    latest = month_end(now.date().replace(day=1, year=now.year + YEARS[tier]))
    if given is None:
        return latest
    if not now.date() <= month_end(given) <= latest:
        raise AgeRefused(f"Somebody leaves this age group within {YEARS[tier]} years: name a month of those.")
    return month_end(given)


def _own_number(subject: Subject, number: str, now: datetime) -> bytes:
    held = AgeChallenge.objects.filter(subject=subject, expires_at__gt=now).first()
    try:
        given = bytes.fromhex(number.strip())
    except ValueError:
        given = b""
    if held is None or not secrets.compare_digest(held.challenge_sha256, hashlib.sha256(given).hexdigest()):
        raise TokenRefused("This number is not yours, or older than half an hour. Take a new one from this page.")
    return given


def _add(held: Subject, subject: Subject, *, method: Method, tier: str, now: datetime, **more: Any) -> AgeSignal:
    """Add a signal and let the subject's row say what holds from now on."""
    _begin(held, now)
    before = effective(held, now).tier
    made = AgeSignal.objects.create(
        subject=held,
        method=method,
        tier=tier,
        at=now,
        **{"confidence_milli": WHOLE if method == Method.DECIDED else 0, **more},
    )
    standing = standing_of(signals_of(held), now, held.timezone)
    held.tier, held.assurance = Tier(standing.tier), Assurance(standing.assurance)
    held.tier_expires_on, held.tier_valid_until = standing.expires_on, standing.valid_until
    held.save(update_fields=["tier", "assurance", "tier_expires_on", "tier_valid_until"])
    until = None if made.tier_expires_on is None else made.tier_expires_on.isoformat()
    said = {"method": str(method), "tier": tier, "issuer": made.issuer, "confidence_milli": made.confidence_milli}
    _note("age_signal", held, now, {**said, "tier_expires_on": until, "holds": standing.tier, "before": before})
    if standing.tier != before:  # what was computed from a history that may not be read any more
        forget = partial(forget_person, service=held.service, pseudonym=held.pseudonym)
        transaction.on_commit(forget, robust=True)
    subject.refresh_from_db(fields=["tier", "assurance", "tier_expires_on", "tier_valid_until"])
    return made


def _begin(held: Subject, now: datetime) -> None:
    """Let a tier that was there before any signal be the first one, so that the next cannot simply replace it."""
    if held.tier == Tier.UNKNOWN or AgeSignal.objects.filter(subject=held).exists():
        return
    AgeSignal.objects.create(
        subject=held,
        method=METHOD_OF[held.assurance],
        tier=held.tier,
        confidence_milli=0,
        at=min(held.created_at, now),
        tier_expires_on=held.tier_expires_on,
    )


def _locked(subject: Subject) -> Subject:
    return Subject.objects.select_for_update().get(pk=subject.pk)


def _note(kind: str, subject: Subject, now: datetime, what: dict[str, Any]) -> None:
    who = {"service": subject.service, "pseudonym": str(subject.pseudonym), "epoch": subject.epoch}
    note(kind=kind, happened_at=now, what={"about": who, **what}, pseudonym=subject.pseudonym)
