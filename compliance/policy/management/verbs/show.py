"""`manage.py policy show`: the policy set in force, pack by pack and rule by rule."""

from __future__ import annotations

from typing import Any

from compliance.audit.management.verbs.base import Talk, Verb
from compliance.policy.facts import active_policies
from compliance.policy.management.verbs.sets import beside_release
from compliance.policy.pack import Pack, Rule


class Show(Verb):
    """Exit 0."""

    name = "show"
    help = "show the policy set in force: its packs, and each rule with law, row, status and dates"

    def run(self, talk: Talk, **_: Any) -> int:
        """Say what is in force."""
        policies = active_policies()
        talk.say(f"policy set {policies.sha256}, for a service of size {policies.size}")
        if words := beside_release(policies):
            talk.say(words)
        for pack in policies.packs:
            talk.say(f"\n{pack.name} {pack.version}: {pack.title} ({', '.join(pack.jurisdictions) or 'everywhere'})")
            for rule in pack.rules:
                talk.say(f"  {rule.id} [{rule.row or '-'}] {_when(rule)}: {rule.words} ({rule.law})")
        packs = [_pack(pack) for pack in policies.packs]
        talk.document({"sha256": policies.sha256, "size": policies.size, "packs": packs})
        return 0


def _when(rule: Rule) -> str:
    said: list[str] = [rule.status]
    said += [f"from {rule.starts}"] if rule.starts else []
    said += [f"until {rule.ends}"] if rule.ends else []
    return ", ".join(said)


def _pack(pack: Pack) -> dict[str, Any]:
    return {
        "name": pack.name,
        "title": pack.title,
        "version": pack.version,
        "jurisdictions": list(pack.jurisdictions),
        "rules": [_rule(rule) for rule in pack.rules],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "law": rule.law,
        "row": rule.row,
        "words": rule.words,
        "status": rule.status,
        "starts": rule.starts.isoformat() if rule.starts else None,
        "ends": rule.ends.isoformat() if rule.ends else None,
        "when": {fact: list(values) for fact, values in rule.when.items()},
        "effects": rule.effects,
    }
