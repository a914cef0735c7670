"""Which parameters decide, and which decided when: policy packs, weights, models, and who put them before people."""

from __future__ import annotations

import json
from typing import Any, Final

from compliance.audit.access.sealed import with_refusals
from compliance.audit.canonical import digest
from compliance.audit.selectors import acts_of_kind, blob, document_of
from compliance.policy.facts import active_policies
from compliance.policy.first import pack as first_pack
from compliance.policy.in_force import KIND as POLICY
from compliance.policy.pack import PackRefused
from compliance.policy.policy_set import PolicySet, of_content
from ranking.catalogue.clock import to_ms
from ranking.serving.models import ModelVersion
from ranking.serving.scorer import live_model, registry

PROMOTION: Final = "promotion"
MOST: Final = 500

Document = dict[str, Any]


class NoSuchPack(LookupError):
    """No policy pack of this address is on record."""


def parameters(*, withhold: bool) -> Document:
    """What is live, every registered model, and which pack and model were live from when until when, newest first.

    `withhold`: with refusals in place of trade secrets.
    """
    found = {
        "live": _live(),
        "policy": policies_document(active_policies()),
        "models": [_model(version) for version in ModelVersion.objects.order_by("-registered_at")[:MOST]],
        "history": {
            "policies": _history(POLICY, "policy_sha256"),
            "models": _history(PROMOTION, "model_sha256"),
        },
    }
    return with_refusals(found, "parameters") if withhold else found


def pack_of(sha256: str) -> Document:
    """A policy pack that records name. Raises NoSuchPack."""
    active = active_policies()
    if sha256 == active.sha256:
        return policies_document(active)
    content = blob(sha256)
    if content is None or digest(content) != sha256:
        raise NoSuchPack(f"No policy pack {sha256} is on record: take the address from a record's policy_sha256.")
    try:
        return policies_document(of_content(content))
    except PackRefused:
        return _first_document(content)


def policies_document(policies: PolicySet) -> Document:
    """A policy set with the weights of each objective, and its packs as they are: the hash is over that text."""
    return {
        "sha256": policies.sha256,
        "name": "policy set",
        "version": policies.base.version,
        "weights": policies.base.objectives,
        "content": policies.content.decode(),
    }


def _first_document(content: bytes) -> Document:
    """A pack of the first form, which records of versions 1 and 2 name. Raises NoSuchPack."""
    try:
        pack = first_pack.parse(content)
    except first_pack.PackRefused as error:  # a blob of another kind
        raise NoSuchPack(
            "What is stored there is no policy pack: take the address from a record's policy_sha256."
        ) from error
    return {
        "sha256": pack.sha256,
        "name": pack.name,
        "version": pack.version,
        "weights": {name: mode.weights for name, mode in pack.modes.items()},
        "content": content.decode(),
    }


def _live() -> Document:
    """What decides at this moment. `problem` says why a live model cannot score, and is empty where it can."""
    scorer, problem = live_model()
    model = (registry().live() or "") if scorer is None else scorer.sha256
    return {"policy_sha256": active_policies().sha256, "model_sha256": model, "problem": problem}


def _model(version: ModelVersion) -> Document:
    return {
        "sha256": version.sha256,
        "data_name": version.data_name,
        "data_sha256": version.data_sha256,
        "seed": version.seed,
        "metrics": version.metrics,
        "config": version.config,
        "manifest": _manifest(version.sha256),
        "registered_at_ms": to_ms(version.registered_at),
        "went_live_at_ms": None if version.went_live_at is None else to_ms(version.went_live_at),
    }


def _manifest(sha256: str) -> Document | None:
    """A model's manifest, which its address is the hash of; None where its files are not here."""
    try:
        manifest: Document = json.loads((registry().root / sha256 / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    return manifest


def _history(kind: str, address: str) -> list[Document]:
    """What acts of a kind put into force, newest first: each until the same service's next one did."""
    found: list[Document] = []
    until: dict[str, int] = {}
    for event in acts_of_kind(kind, limit=MOST):
        said = document_of(event)
        found.append(
            {
                "event_id": str(event.id),
                "service": said["service"],
                "sha256": said[address],
                "before_sha256": said["before_sha256"],
                "from_ms": said["happened_ms"],
                "until_ms": until.get(said["service"]),
                "by": said["by"],
                "why": said["why"],
            }
        )
        until[said["service"]] = said["happened_ms"]
    return found
