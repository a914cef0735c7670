"""Is everything still here that replays of kept records need: models, dictionaries, policy packs?

Models and dictionaries are looked up for hot and cold records alike, policy packs for those in the database: a pack is
named inside a record, and a month in the cold tier is opened only when it is asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from compliance.audit.models import ServeRecord
from compliance.audit.retention.needed import needed_dictionaries, needed_models
from compliance.audit.selectors import opened
from compliance.audit.storage.packing import known_dictionaries
from compliance.audit.storage.sealing import SealBroken
from compliance.serving.replay.choice import in_chunks
from compliance.serving.replay.opening import Keys
from compliance.serving.replay.parts import NotAgain, Parts

AT_ONCE: Final = 1_000


def missing(progress: Callable[[int], None] = lambda _: None) -> tuple[int, list[str]]:
    """How many records were read, and a sentence for each thing that one of them needs and that is not whole here.

    Raises VaultRefused where the folder of keys cannot be used.
    """
    parts, packs, read = Parts(), Counter[str](), 0
    for read, address in enumerate(_packs_named(), 1):
        packs[address] += address != ""
        progress(read)
    faults = [*_dictionaries(), *_models(parts)]
    for address, records in sorted((+packs).items()):
        try:
            parts.policy(address)
        except NotAgain as error:
            faults.append(f"{records:,} records need {error}")
    return read, faults


def _packs_named() -> Iterator[str]:
    """Of each record, the address of its policy pack; nothing where it is closed, broken or was decided elsewhere."""
    records = ServeRecord.objects.order_by("id").iterator(chunk_size=AT_ONCE)
    for chunk in in_chunks(records, AT_ONCE):
        keys = Keys.of(chunk)
        for record in chunk:
            readable = not (record.source or keys.is_erased(record) or keys.problem(record))
            yield _pack_of(record, keys) if readable else ""


def _pack_of(record: ServeRecord, keys: Keys) -> str:
    try:
        return str(opened(record, keys.key(record)).get("policy_sha256", ""))
    except (AttributeError, SealBroken, ValueError):  # which is for replays and `manage.py audit verify` to name
        return ""


def _models(parts: Parts) -> Iterator[str]:
    for address, where in sorted(needed_models().items()):
        try:
            parts.scorer(address)
        except NotAgain as error:
            yield f"{where} need {error}"


def _dictionaries() -> Iterator[str]:
    here = known_dictionaries()
    for number, where in sorted(needed_dictionaries().items()):
        if number not in here:
            yield f"{where} need dictionary {number}: install the release that brought it"
