"""What signals say together, at a moment: pure.

1. A verified signal, and a person's decision on a contest, outweighs everything older, for good.
2. A signal of a minor's tier gives way to a newer one once its month has ended: from then on another tier may be true.
3. A proof past its own end proves nothing: one of `adult` does not count, one of a minor's tier holds unproved.
4. Of all that is left, the strictest tier holds. Nothing left: unknown, which is the strictest of all.

Nobody grows up by a calendar here: when a month has ended, the old tier holds, and the person is asked again.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from compliance.policy.clock import zone_named

STRICTEST_FIRST: Final = ("child", "young_teen", "teen", "adult")
OUTWEIGHS: Final = ("verified", "decided")
STRENGTH: Final = ("none", "self_declared", "guardian", "estimated", "verified")
ASSURANCE_OF: Final = {"decided": "self_declared"}
"""A person's decision settles a contest; it proves nothing, so no rule that asks for a proof opens."""


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal, as far as it decides."""

    method: str
    tier: str
    at: datetime
    valid_until: datetime | None = None
    tier_expires_on: date | None = None

    @property
    def assurance(self) -> str:
        """How well the tier is known by this signal, while it proves anything."""
        return ASSURANCE_OF.get(self.method, self.method)

    def ended(self, now: datetime) -> bool:
        """Whether this is a proof past its own end."""
        return self.valid_until is not None and now >= self.valid_until

    def assurance_at(self, now: datetime) -> str:
        """How well the tier is known by this signal at a moment: an ended proof assures nothing."""
        return "none" if self.ended(now) else self.assurance


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The tier that holds, how it is known, when it is asked again, and until when these signals say so."""

    tier: str = "unknown"
    assurance: str = "none"
    expires_on: date | None = None
    valid_until: datetime | None = None


def standing_of(signals: Iterable[Signal], now: datetime, timezone: str) -> Standing:
    """What the signals, oldest first, say at a moment, where the person's clock shows `timezone`."""
    # Ended proofs are dropped last: what they outweighed does not come back with their end.
    counted = [one for one in _counted(signals, timezone) if one.tier != "adult" or not one.ended(now)]
    if not counted:
        return Standing()
    tier = min((one.tier for one in counted), key=STRICTEST_FIRST.index)
    saying = [one for one in counted if one.tier == tier]
    best = max(saying, key=lambda one: (STRENGTH.index(one.assurance_at(now)), one.at))
    return Standing(
        tier=tier,
        assurance=best.assurance_at(now),
        expires_on=best.tier_expires_on if tier != "adult" else None,
        valid_until=min((one.valid_until for one in counted if one.valid_until and not one.ended(now)), default=None),
    )


def asked_again(expires_on: date | None, now: datetime, timezone: str) -> bool:
    """Whether the month that a tier was known for is over, by the person's own calendar."""
    return expires_on is not None and now.astimezone(zone_named(timezone)).date() > expires_on


def month_end(day: date) -> date:
    """The last day of a month: 29 February in a leap year."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _counted(signals: Iterable[Signal], timezone: str) -> list[Signal]:
    """The signals that neither a stronger nor, after their month, any newer one has replaced."""
    counted: list[Signal] = []
    for one in signals:
        if one.method in OUTWEIGHS:
            counted = []
        counted = [held for held in counted if not asked_again(held.tier_expires_on, one.at, timezone)]
        counted.append(one)
    return counted
