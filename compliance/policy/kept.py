"""Policy sets that records name, by their address."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from compliance.audit import selectors
from compliance.policy.facts import active_policies
from compliance.policy.pack import PackRefused
from compliance.policy.policy_set import PolicySet, of_content


def policies_of(sha256: str) -> PolicySet:
    """The policy set at an address. Raises PackRefused where none is kept there, or it was changed."""
    active = active_policies()
    return active if active.sha256 == sha256 else _kept(sha256)


@lru_cache(maxsize=32)
def _kept(sha256: str) -> PolicySet:
    content = selectors.blob(sha256)
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        raise PackRefused(f"The policy set {sha256} is not on record as it was: run `manage.py audit verify`.")
    return of_content(content)
