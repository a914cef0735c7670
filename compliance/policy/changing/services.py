"""Change a policy set: nobody alone, nothing untried, nothing that breaks an invariant, and all of it on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.keys.orders import same_person
from compliance.policy import in_force
from compliance.policy.changing import selectors
from compliance.policy.changing.dry_run import dry_run
from compliance.policy.checking.check import Checked, check
from compliance.policy.facts import active_policies
from compliance.policy.models import PolicyVersion, State
from compliance.policy.policy_set import PolicySet, of_content, shipped

KIND: Final = "policy_change"
"""What was proposed, approved or refused. That a set came into force is of the kind `policy` (`in_force.py`)."""
LAST: Final = 1_000
MOST_WORDS: Final = 500


class ChangeRefused(ValueError):
    """A policy set cannot be changed as asked."""


def propose(*, service: str, policies: PolicySet, by: str, why: str, dropping: Collection[str] = ()) -> PolicyVersion:
    """Propose a policy set. Raises ChangeRefused.

    `dropping` names each pack or rule that the release brings and that decides nothing any more in this set.
    """
    by, why = by.strip(), why.strip()
    if not by or not why or len(why) > MOST_WORDS:
        raise ChangeRefused(f"A proposal needs somebody who makes it and a reason of 1 to {MOST_WORDS} characters.")
    _check_size(policies)
    missing = dropped(policies)
    if unnamed := [rule for rule, pack in missing.items() if rule not in dropping and pack not in dropping]:
        raise ChangeRefused(
            f"This set drops {len(missing)} rules of the release and does not name {len(unnamed)} of them, such "
            f"as {unnamed[0]}: name the rule, or its pack, as dropped (--dropping {missing[unnamed[0]]}), or keep it."
        )
    if active_policies().sha256 == policies.sha256:
        raise ChangeRefused("This policy set is in force already: there is nothing to change.")
    with transaction.atomic():
        version = PolicyVersion.objects.create(
            service=service,
            sha256=policies.sha256,
            content=policies.content,
            why=why,
            proposed_by=by,
            proposed_at=timezone.now(),
        )
        _note(version, act="proposed", by=by, **({"dropped": ", ".join(sorted(missing))} if missing else {}))
    return version


def dropped(policies: PolicySet) -> dict[str, str]:
    """The rules that the release brings in force and that are not in force in a set, each with its pack."""
    kept = {rule.id for rule in policies.compiled.rules}
    brought = shipped(policies.size)
    of_pack = {rule.id: pack.name for pack in brought.packs for rule in pack.rules}
    return {rule.id: of_pack[rule.id] for rule in brought.compiled.rules if rule.id not in kept}


def try_out(version_id: int, *, last: int = LAST) -> dict[str, Any]:
    """Plan recent requests by a proposed set, and keep what it would have changed. Raises ChangeRefused."""
    version = _version(version_id, State.PROPOSED)
    report = dry_run(service=version.service, now=active_policies(), then=_set_of(version), last=last)
    with transaction.atomic():
        version = _version(version_id, State.PROPOSED, locked=True)
        version.dry_run = report
        version.save(update_fields=["dry_run"])
    return report


def approve(version_id: int, *, by: str, nothing_recorded: bool = False) -> PolicyVersion:
    """Approve a version that somebody else proposed, that was tried out, and that breaks nothing. Raises ChangeRefused.

    Every state of the router is looked at before. `nothing_recorded`: the approver knows that there was no list to try
    it on.
    """
    version = _version(version_id, State.PROPOSED)
    by = by.strip()
    if not by or same_person(by, version.proposed_by):
        raise ChangeRefused(f"{version.proposed_by} proposed this version: have somebody else approve it.")
    policies = _set_of(version)
    _check_size(policies)
    _check_tried(version)
    _check_planned(version, nothing_recorded=nothing_recorded)
    checked = _proved(policies)
    if checked.findings:
        worst = checked.findings[0]
        raise ChangeRefused(
            f"This version breaks {worst.invariant} ({worst.law}): {worst.words}. Seen: {worst.seen}, in "
            f"{worst.states:,} states such as {worst.witness}. Correct the pack and propose it again."
        )
    with transaction.atomic():
        version = _version(version_id, State.PROPOSED, locked=True)
        version.state, version.approved_by, version.approved_at = State.APPROVED, by, timezone.now()
        version.checked = {**asdict(checked), "seconds": round(checked.seconds, 1)}
        version.save(update_fields=["state", "approved_by", "approved_at", "checked"])
        _note(version, act="approved", by=by, states=str(checked.states))
    return version


def refuse(version_id: int, *, by: str, why: str) -> PolicyVersion:
    """Refuse a version that is proposed or approved; one person may. Raises ChangeRefused."""
    if not by.strip() or not why.strip() or len(why) > MOST_WORDS:
        raise ChangeRefused(f"A refusal needs somebody who gives it and a reason of 1 to {MOST_WORDS} characters.")
    with transaction.atomic():
        version = _version(version_id, State.PROPOSED, State.APPROVED, locked=True)
        version.state, version.ended_at = State.REFUSED, timezone.now()
        version.save(update_fields=["state", "ended_at"])
        _note(version, act="refused", by=by.strip(), said=why.strip())
    return version


def activate(version_id: int, *, by: str) -> PolicyVersion:
    """Put an approved version in force, within `selectors.FOR_SECONDS` in every process. Raises ChangeRefused."""
    if not by.strip():
        raise ChangeRefused("Somebody puts a version in force: name who.")
    with transaction.atomic():
        version = _version(version_id, State.APPROVED, locked=True)
        _check_tried(version)
        now, before = timezone.now(), active_policies()
        PolicyVersion.objects.filter(service=version.service, state=State.ACTIVE).update(
            state=State.RETIRED, ended_at=now
        )
        version.state, version.activated_at = State.ACTIVE, now
        version.save(update_fields=["state", "activated_at"])
        people = {"by": version.proposed_by, "approved_by": version.approved_by, "activated_by": by.strip()}
        what = {"service": version.service, "policy_sha256": version.sha256, "before_sha256": before.sha256}
        note(kind=in_force.KIND, happened_at=now, what={**what, **people, "why": version.why})
    selectors.forget()
    return version


def _version(version_id: int, *states: State, locked: bool = False) -> PolicyVersion:
    found = PolicyVersion.objects.select_for_update() if locked else PolicyVersion.objects.all()
    version = found.filter(pk=version_id).first()
    if version is None:
        raise ChangeRefused(f"There is no version {version_id}: `manage.py policy versions` lists them.")
    if version.state not in states:
        raise ChangeRefused(f"Version {version_id} is {version.get_state_display()}: this cannot be done with it.")
    return version


def _check_tried(version: PolicyVersion) -> None:
    """What was tried is what would change now: the dry run is against the set in force."""
    if version.dry_run is None:
        raise ChangeRefused("This version was not tried out: run `manage.py policy dry-run` first.")
    if version.dry_run["before_sha256"] != active_policies().sha256:
        raise ChangeRefused(
            "Another policy set came into force since this version was tried out: propose it again, and try it out."
        )


def _check_planned(version: PolicyVersion, *, nothing_recorded: bool) -> None:
    """A dry run that planned nothing says nothing."""
    report = version.dry_run or {}
    if report["planned"]:
        return
    if report["looked_at"]:
        raise ChangeRefused(
            f"The dry run looked at {report['looked_at']:,} lists and could plan none again, so it shows nothing: "
            "try the version out on more lists (--last)."
        )
    if not nothing_recorded:
        raise ChangeRefused(
            "The dry run had no list to look at, so it shows nothing: serve lists first, or approve with "
            "--nothing-recorded."
        )


def _check_size(policies: PolicySet) -> None:
    if policies.size != settings.SERVICE_SIZE:
        raise ChangeRefused(
            f"This set is for a service of size {policies.size!r}, and this service is {settings.SERVICE_SIZE!r}: "
            "propose the packs for that size."
        )


@lru_cache(maxsize=8)
def _proved(policies: PolicySet) -> Checked:
    """What looking at every state finds: of the same set always the same."""
    return check(policies)


def _set_of(version: PolicyVersion) -> PolicySet:
    return of_content(bytes(version.content))


def _note(version: PolicyVersion, *, act: str, by: str, **more: str) -> None:
    what = {"act": act, "service": version.service, "policy_sha256": version.sha256, "by": by, "why": version.why}
    note(kind=KIND, happened_at=timezone.now(), what={**what, "version": version.pk, **more})
