"""The numbers of an output apart from everything else in it: how far two outputs' scores are from each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from compliance.serving.documents import OF_EVERY_CANDIDATE
from ranking.serving.snapshot import array_of

Document = dict[str, Any]

OF_A_PLACE: Final = ("scores", "blended")
"""What of a place in the slate is computed in floating point."""
OF_A_CERTIFICATE: Final = ("wanted", "worth")
"""What of a repair's certificate is a sum of scores, in millionths."""


def without_scores(output: Document) -> Document:
    """All of an output that must be the same wherever it is computed: the slate, its reasons, its odds."""
    rest = {name: value for name, value in output.items() if name not in OF_EVERY_CANDIDATE}
    rest["items"] = [{name: value for name, value in item.items() if name not in OF_A_PLACE} for item in rest["items"]]
    if rest.get("certificate"):
        rest["certificate"] = {
            name: value for name, value in rest["certificate"].items() if name not in OF_A_CERTIFICATE
        }
    return rest


def items_of(output: Document) -> list[int]:
    """The slate: item ids in order."""
    return [item["item_id"] for item in output["items"]]


def largest_difference(recorded: Document, found: Document) -> float | None:
    """The largest difference of any score that both outputs hold, absolute up to 1 and relative beyond.

    None where nothing was scored; infinite where one of them has a score that the other lacks, or has no number.
    Raises LookupError, TypeError or ValueError for an output of another form.
    """
    one, other = dict(_scores(recorded)), dict(_scores(found))
    if one.keys() != other.keys():
        return math.inf
    return max((_distance(one[name], other[name]) for name in one), default=None)


def _scores(output: Document) -> Iterator[tuple[str, Any]]:
    for place, item in enumerate(output["items"]):
        for head, score in (item["scores"] or {}).items():
            yield f"{place} {head}", np.float64(float.fromhex(score))
        if item["blended"] is not None:
            yield f"{place} blended", np.float64(float.fromhex(item["blended"]))
    for name in OF_A_CERTIFICATE if output.get("certificate") and output["heads"] else ():
        yield f"certificate {name}", np.float64(output["certificate"][name] / 1e6)
    for name in ("probability", "blended"):  # of all candidates: records from before release 0.2.0 hold them
        if output.get(name) is not None:
            yield name, array_of(output[name])


def _distance(one: Any, other: Any) -> float:
    if np.shape(one) != np.shape(other):
        return math.inf
    apart = np.abs(np.subtract(one, other, dtype=np.float64)) / np.maximum(1.0, np.abs(one, dtype=np.float64))
    return math.inf if np.isnan(apart).any() else float(np.max(apart, initial=0.0))
