"""Policy sets for tests: what ships, with a pack of one's own beside it or words replaced in one that ships."""

from __future__ import annotations

from typing import Final

from compliance.policy.policy_set import PACKS, PolicySet, of_texts

SHIPPED: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKS.glob("*.toml"))}
HEAD: Final = 'pack = "own"\ntitle = "Own rules"\nversion = "1"\n'


def rule(name: str, body: str) -> str:
    """One rule of the pack `own`."""
    return f'\n[[rule]]\nid = "own.{name}"\nlaw = "our own rule"\nwords = "Because."\n{body}\n'


def beside_baseline(text: str) -> PolicySet:
    """The baseline and a pack `own`."""
    return of_texts({"baseline": SHIPPED["baseline"], "own": text}, size="platform")


def beside_all(text: str, *, size: str = "platform") -> PolicySet:
    """Everything that ships and a pack `own`."""
    return of_texts({**SHIPPED, "own": text}, size=size)


def replaced(pack: str, old: str, new: str, *, size: str = "platform") -> PolicySet:
    """What ships with words of one pack replaced."""
    assert old in SHIPPED[pack], f"{pack}.toml does not say {old!r}"
    return of_texts({**SHIPPED, pack: SHIPPED[pack].replace(old, new)}, size=size)
