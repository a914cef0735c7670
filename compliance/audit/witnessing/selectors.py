"""Which cosignatures there are, and whether they are enough."""

from __future__ import annotations

from collections import Counter
from typing import Final

from django.db.models import Max

from compliance.audit.models.witnesses import LogCosignature
from compliance.audit.witnessing.policy import WitnessPolicy

LOOKED_BACK: Final = 1_000
"""Cosignatures that are looked at, the newest first, for a checkpoint that has enough of them."""


def lines_on(size: int) -> list[str]:
    """The cosignature lines on the checkpoint of so many leaves, in one order."""
    return list(LogCosignature.objects.filter(size=size).order_by("witness").values_list("line", flat=True))


def cosigners_of(size: int) -> set[str]:
    """Names of the witnesses that cosigned it."""
    return set(LogCosignature.objects.filter(size=size).values_list("witness", flat=True))


def last_cosigned_by(witness: str) -> int:
    """The largest size that a witness is known to have cosigned, 0 before the first."""
    return LogCosignature.objects.filter(witness=witness).aggregate(size=Max("size"))["size"] or 0


def enough_cosigned(policy: WitnessPolicy, *, above: int = 0) -> int | None:
    """The newest size above `above` that as many known witnesses cosigned as must; None where none is found."""
    rows = LogCosignature.objects.filter(size__gt=above, witness__in=list(policy.keys)).order_by("-size")
    counted = Counter(rows.values_list("size", flat=True)[:LOOKED_BACK])
    return max((size for size, signed in counted.items() if signed >= policy.needed), default=None)
