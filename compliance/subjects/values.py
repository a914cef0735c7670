"""The closed lists that subjects, policy packs and pages share, as plain values."""

from __future__ import annotations

from typing import Final

from compliance.subjects.models import Assurance, ControlKind, FeedMode, Surface, Tier

TIERS: Final = tuple(Tier.values)
MINORS: Final = (Tier.CHILD.value, Tier.YOUNG_TEEN.value, Tier.TEEN.value, Tier.UNKNOWN.value)
"""Tiers that are treated as minors: an unknown age is one."""
ASSURANCES: Final = tuple(Assurance.values)
SURFACES: Final = tuple(Surface.values)
FEED_MODES: Final = tuple(FeedMode.values)
NON_PROFILED: Final = tuple(mode for mode in FEED_MODES if mode != FeedMode.PERSONALISED)
CONTROLS: Final = tuple(ControlKind.values)
SIGNALS: Final = ("watch_time", "likes", "follows", "location", "device")
"""Signals that a person may switch off."""
OBJECTIVES: Final = ("less_politics", "close_friends", "shorter", "new_creators")
"""Own objectives that a person may give a bounded weight."""
STANCES: Final = ("more", "less", "mute")
"""What a person may say of a topic or a creator."""
