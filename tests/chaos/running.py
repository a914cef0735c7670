"""Runs a benchmark as a person would, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(*arguments: str, **environment: str) -> str:
    """Run a benchmark to its end; return what it printed once it has met its targets."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments, "--check"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
