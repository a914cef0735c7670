"""The environment class of a score: what must be equal for a replay to give the same bits."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from django.conf import settings

REFERENCE: Final = {"dtype": "float32", "cache_dtype": "float32", "device": "cpu", "kernels": "plain"}
"""What promises the same bits. Records from before a name was recorded were all made with it."""


@lru_cache(maxsize=1)
def one_thread() -> None:
    """Score with one thread per process: more are slower here and would change bits."""
    import torch

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def environment() -> dict[str, str]:
    """Interpreter, libraries, processor capability and thread count of this process."""
    import torch

    from ranking.model.serving import SCORING_VERSION

    one_thread()
    kind, precision, kernels = settings.DEVICE.split()
    return {
        "scoring": SCORING_VERSION,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),  # with it the solver that repairs lists
        "torch": str(torch.__version__),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "dtype": precision,
        "cache_dtype": settings.USER_CACHE_PRECISION,  # below float32 a replay, which caches nothing, is only close
        "device": kind,
        "kernels": kernels,
    }


def only_close(recorded: Mapping[str, str]) -> tuple[str, ...]:
    """What of a recorded environment promises scores that are close, not the same bits: such as "cache_dtype int8"."""
    return tuple(f"{name} {recorded[name]}" for name, exact in REFERENCE.items() if recorded.get(name, exact) != exact)
