"""A policy set: the packs that one service obeys, its size, and one address for all of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from compliance.audit.canonical import canonical
from compliance.policy.compiled import Compiled, compile_rules
from compliance.policy.pack import ModeSpec, Pack, PackRefused
from compliance.policy.reading import read
from compliance.policy.validation import check_whole
from compliance.policy.vocabulary import SIZES

PACKS: Final = Path(__file__).resolve().parent / "packs"


@dataclass(frozen=True, kw_only=True, eq=False)  # two with the same address are the same, and parsed once
class PolicySet:
    """Several packs as one. `content` is what is kept for replay; `sha256` is over it."""

    size: str  # micro, platform or vlop: what the service is to the law
    packs: tuple[Pack, ...]
    content: bytes
    sha256: str

    @cached_property
    def base(self) -> Pack:
        """The pack that says what the feed modes are made of."""
        return next(pack for pack in self.packs if pack.modes)

    @property
    def modes(self) -> dict[str, ModeSpec]:
        """Every feed mode, in the order in which they are offered."""
        return self.base.modes

    @cached_property
    def heads(self) -> frozenset[str]:
        """Every head that some objective weighs."""
        return frozenset(head for weights in self.base.objectives.values() for head in weights)

    @cached_property
    def of_consent(self) -> frozenset[str]:
        """The rules that stop applying once the person agrees to be profiled, whichever law they serve."""
        return frozenset(
            rule.id
            for pack in self.packs
            for rule in pack.rules
            if "consent" in rule.when and "granted" not in rule.when["consent"]
        )

    @cached_property
    def compiled(self) -> Compiled:
        """The rules in the form in which the router looks them up."""
        return compile_rules(self.packs)


def of_texts(texts: dict[str, str], *, size: str) -> PolicySet:
    """A set from its packs' texts, by name. Raises PackRefused."""
    if size not in SIZES:
        raise PackRefused(f"A service of size {size!r} is not known: name one of {', '.join(SIZES)}.")
    packs = tuple(read(name, text) for name, text in sorted(texts.items()))
    packs = tuple(sorted(packs, key=lambda pack: bool(pack.modes)))  # of equally strict rules, a law's is named
    check_whole(packs)
    content = canonical({"packs": {pack.name: pack.text for pack in packs}, "size": size})
    return PolicySet(size=size, packs=packs, content=content, sha256=hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=32)
def of_content(content: bytes) -> PolicySet:
    """The set that a record kept. Raises PackRefused."""
    try:
        raw = json.loads(content)
        texts, size = dict(raw["packs"]), str(raw["size"])
    except (ValueError, LookupError, TypeError) as error:
        raise PackRefused("These bytes are no policy set: take the address from a record's policy_sha256.") from error
    found = of_texts(texts, size=size)
    if found.content != content:
        raise PackRefused("This policy set is not in the form that its address was taken over.")
    return found


@lru_cache(maxsize=8)
def shipped(size: str) -> PolicySet:
    """The packs that the release brings."""
    return of_texts({path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKS.glob("*.toml"))}, size=size)
