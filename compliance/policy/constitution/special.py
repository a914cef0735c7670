"""By what a promoted item may be aimed at all, so that nothing stands for a special category of personal data.

GDPR Art. 9(1); DSA Art. 26(3) (D26). What may not be used has too many spellings to be listed: what may be is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Set
from typing import Final

TARGETING: Final = frozenset({"age_band", "context_topic", "language", "region"})
"""The keys by which an advert may choose adults: their declared age band, language and region, and what the page is
about. A predicate is `key=value`; whoever adds a key here answers for what it can stand for.
"""

_PREDICATE: Final = re.compile(r"([a-z_]+)=[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


def refused(targeting: Collection[str], proxies: Set[str]) -> tuple[str, ...]:
    """The predicates that are not `key=value` with a key of TARGETING, or whose key is declared a proxy."""
    return tuple(one for one in targeting if not _allowed(one, proxies))


def _allowed(predicate: str, proxies: Set[str]) -> bool:
    found = _PREDICATE.fullmatch(predicate)
    return found is not None and found[1] in TARGETING and found[1] not in proxies
