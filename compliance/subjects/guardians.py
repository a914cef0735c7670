"""Linking a guardian and a child, with both sides' knowledge, and ending it (1E-11; SB 976; 16 CFR 312.5).

The guardian makes a code, the child answers with it, the guardian confirms who answered: neither side links alone.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from compliance.assurance.selectors import effective
from compliance.audit.events import note
from compliance.subjects.models import Assurance, Consent, Control, GuardianInvite, Guardianship, Purpose, Subject, Tier
from ranking.serving.services import forget_person

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read for something else
CODE_LENGTH: Final = 12  # 60 bits
CODE_HOLDS: Final = timedelta(hours=24)
MOST_INVITES: Final = 5
LEAVES_ALONE: Final = (Tier.TEEN, Tier.ADULT)
"""Tiers that may end a link by themselves: from 16."""
NO_SUCH_CODE: Final = "No such code waits for an answer: it was mistyped, answered already or is older than a day."


class GuardianRefused(PermissionError):
    """Something a guardian or a child may not do; a sentence that says which rule, and what to do next."""


@transaction.atomic
def invite(*, guardian: Subject, now: datetime) -> str:
    """Make a code that holds for a day, for a child to answer; return it. It is kept as a hash alone."""
    _refuse_minor(guardian)
    Subject.objects.select_for_update().get(pk=guardian.pk)
    GuardianInvite.objects.filter(guardian=guardian, expires_at__lte=now).delete()
    if GuardianInvite.objects.filter(guardian=guardian).count() >= MOST_INVITES:
        raise GuardianRefused(f"{MOST_INVITES} codes of yours wait already. Use one, or wait until one is a day old.")
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    GuardianInvite.objects.create(
        guardian=guardian, code_sha256=_hashed(code), made_at=now, expires_at=now + CODE_HOLDS
    )
    return code


@transaction.atomic
def answer(*, child: Subject, code: str, now: datetime) -> GuardianInvite:
    """Answer a code as the child: this is where a child agrees. Raises GuardianRefused."""
    if effective(child, now).tier == Tier.ADULT:
        raise GuardianRefused("You are an adult here, and adults have no guardians. Nothing was linked.")
    found = (
        GuardianInvite.objects.select_for_update()
        .filter(code_sha256=_hashed(code), child=None, expires_at__gt=now)
        .exclude(guardian=child)
        .first()
    )
    if found is None:
        raise GuardianRefused(f"{NO_SUCH_CODE} Ask for a new one.")
    found.child, found.answered_at = child, now
    found.save(update_fields=["child", "answered_at"])
    _note("guardian", child, {"act": "answered", "invite": found.pk})
    return found


@transaction.atomic
def confirm(*, guardian: Subject, invite_id: int, now: datetime) -> Guardianship:
    """Confirm, as the guardian, who answered: from now on both are linked. Raises GuardianRefused."""
    _refuse_minor(guardian)
    found = (
        GuardianInvite.objects.select_for_update(of=("self",))
        .select_related("child")
        .filter(pk=invite_id, guardian=guardian, expires_at__gt=now)
        .exclude(child=None)
        .first()
    )
    if found is None or found.child is None:
        raise GuardianRefused("Nobody has answered that code, or it is older than a day. Make a new one.")
    link, _ = Guardianship.objects.get_or_create(guardian=guardian, child=found.child)
    _note("guardian", found.child, {"act": "linked", "link": link.pk})
    found.delete()
    return link


@transaction.atomic
def take_back(*, subject: Subject, invite_id: int) -> bool:
    """Withdraw an invite that is not confirmed yet, as the guardian or as the child who answered."""
    own = GuardianInvite.objects.filter(pk=invite_id, guardian=subject)
    gone, _ = (own | GuardianInvite.objects.filter(pk=invite_id, child=subject)).delete()
    return bool(gone)


@transaction.atomic
def unlink(*, subject: Subject, link_id: int) -> None:
    """End a link: a guardian at any time, the child from 16. Raises GuardianRefused, Guardianship.DoesNotExist."""
    link = link_of(subject=subject, link_id=link_id)
    if link.child_id == subject.pk and effective(subject, timezone.now()).tier not in LEAVES_ALONE:
        raise GuardianRefused(
            "Under 16, your guardian ends the link, not you alone (our own rule). Ask them, or contest your age group "
            "on your account page if it is wrong."
        )
    _end(link, "child" if link.child_id == subject.pk else "guardian", by=link.guardian)


@transaction.atomic
def unlink_adults() -> int:
    """End every link to somebody who is an adult by now; return how many there were. For the daily task."""
    now, links = timezone.now(), Guardianship.objects.select_related("child", "guardian").filter(child__tier=Tier.ADULT)
    grown = [link for link in links if effective(link.child, now).tier == Tier.ADULT]
    for link in grown:
        _end(link, "majority", by=link.guardian)
    return len(grown)


@transaction.atomic
def guardian_leaves(*, guardian: Subject) -> int:
    """End every link of a guardian whose account or subject is about to be deleted; return how many there were.

    What they agreed to ends with them: nobody else could take it back for them (16 CFR 312.5; GDPR Art. 7(3)).
    """
    links = list(Guardianship.objects.select_related("child", "guardian").filter(guardian=guardian))
    for link in links:
        _end(link, "guardian left", by=None)
    return len(links)


@transaction.atomic
def agree_to_topics(*, child: Subject, link_id: int, agreed: bool) -> None:
    """As a child of 13 to 15, let a guardian see one's topics, or no more. Raises Guardianship.DoesNotExist."""
    link = Guardianship.objects.get(pk=link_id, child=child)
    Guardianship.objects.filter(pk=link.pk).update(topics_agreed=agreed)
    _note("guardian", child, {"act": "topics", "link": link.pk, "agreed": agreed})


@transaction.atomic
def decide_for(*, guardian: Subject, link_id: int, granted: bool) -> Consent:
    """Give or withdraw parental consent, which binds the child's next plan (16 CFR 312.5; GDPR Art. 8; SB 976).

    Giving it takes a guardian whose own age was verified; withdrawing is always possible. Raises GuardianRefused,
    Guardianship.DoesNotExist.
    """
    link = Guardianship.objects.select_related("child").get(pk=link_id, guardian=guardian)
    if granted:
        _refuse_minor(guardian)
    if granted and effective(guardian, timezone.now()).assurance != Assurance.VERIFIED:
        raise GuardianRefused(
            "Consent for a child must be verifiable (16 CFR 312.5): prove on your account page that you are an adult, "
            "then come back. Nothing was changed."
        )
    if granted and effective(link.child, timezone.now()).tier == Tier.ADULT:
        raise GuardianRefused("Your child is an adult by now and decides alone. Nothing was changed.")
    return _consent(link.child, guardian, granted)


def link_of(*, subject: Subject, link_id: int) -> Guardianship:
    """A link of this very subject, on either side. Raises Guardianship.DoesNotExist."""
    links = Guardianship.objects.select_related("child", "guardian")
    own = links.filter(guardian=subject) | links.filter(child=subject)
    return own.get(pk=link_id)


def _end(link: Guardianship, why: str, *, by: Subject | None) -> None:
    """What the guardian set and agreed to goes with the link. `by` names who withdraws, where they stay."""
    child, guardian = link.child, link.guardian
    link.delete()
    _note("guardian", child, {"act": "unlinked", "why": why})
    latest = Consent.objects.filter(subject=child, purpose=Purpose.PARENTAL).order_by("-id").first()
    if latest is not None and latest.granted and latest.given_by_id == guardian.pk:
        _consent(child, by, granted=False)
    Control.objects.filter(subject=child, by_guardian=True, set_by=guardian).delete()
    if not Guardianship.objects.filter(child=child).exists():
        Control.objects.filter(subject=child, by_guardian=True).delete()


def _consent(child: Subject, guardian: Subject | None, granted: bool) -> Consent:
    consent = Consent.objects.create(subject=child, purpose=Purpose.PARENTAL, granted=granted, given_by=guardian)
    said = {"purpose": str(Purpose.PARENTAL), "granted": granted, "consent_id": consent.pk, "given_by": "guardian"}
    _note("consent", child, said)
    if not granted:  # what was computed from the history goes too
        forget = partial(forget_person, service=child.service, pseudonym=child.pseudonym)
        transaction.on_commit(forget, robust=True)
    return consent


def _refuse_minor(guardian: Subject) -> None:
    if effective(guardian, timezone.now()).tier != Tier.ADULT:
        raise GuardianRefused("Only adults can be guardians: say or prove your age on your account page first.")


def _hashed(code: str) -> str:
    plain = code.upper().replace(" ", "").replace("-", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def _note(kind: str, child: Subject, what: dict[str, Any]) -> None:
    who = {"service": child.service, "pseudonym": str(child.pseudonym), "epoch": child.epoch}
    note(kind=kind, happened_at=timezone.now(), what={"about": who, **what}, pseudonym=child.pseudonym)
