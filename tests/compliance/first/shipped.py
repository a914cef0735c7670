"""The pack that release 0.1.0 brought, as its records name it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

BASELINE: Final = (Path(__file__).parents[2] / "fixtures" / "first_baseline.toml").read_text(encoding="utf-8")
