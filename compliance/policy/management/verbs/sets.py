"""Which policy sets a verb is about: those that ship, those of a folder, or the one in force."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from compliance.policy.pack import Pack, PackRefused
from compliance.policy.policy_set import PolicySet, of_texts, shipped
from compliance.policy.vocabulary import SIZES

ALL: Final = "all"


def add_set(parser: ArgumentParser) -> None:
    """The arguments that name a set."""
    parser.add_argument("--packs", type=Path, metavar="FOLDER", help="the packs in a folder, not those that ship")
    parser.add_argument("--size", choices=(*SIZES, ALL), default=ALL, help="what the service is to the law")


def sets_of(packs: Path | None, size: str) -> list[PolicySet]:
    """The sets named. Raises PackRefused, OSError."""
    sizes = SIZES if size == ALL else (size,)
    return [shipped(each) if packs is None else of_folder(packs, size=each) for each in sizes]


def of_folder(folder: Path, *, size: str) -> PolicySet:
    """The packs in a folder as one set. Raises PackRefused, OSError."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml"))}
    if not texts:
        raise PackRefused(f"There is no pack in {folder}: name a folder of .toml files.")
    return of_texts(texts, size=size)


def beside_release(policies: PolicySet) -> str:
    """A warning where a set in force is not what the release brings: a newer release changes nothing by itself."""
    brought = {pack.name: pack for pack in shipped(policies.size).packs}
    mine = {pack.name: pack for pack in policies.packs}
    names = sorted(brought.keys() | mine.keys())
    other = [name for name in names if _text(brought.get(name)) != _text(mine.get(name))]
    if not other:
        return ""
    return f"WARNING: not what this release brings, which is not in force: {', '.join(other)} differ."


def _text(pack: Pack | None) -> str:
    return "" if pack is None else pack.text
