"""Asks the witnesses beside the sequencer: in threads of their own, so that no witness holds up a signature."""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from django.db import transaction
from django.utils import timezone

from compliance.audit.events import note
from compliance.audit.heads import LogPlace, newest, write_checkpoint
from compliance.audit.log.note import Checkpoint
from compliance.audit.log.reading import LogDamaged
from compliance.audit.log.witness_client import ForkWitnessed, WitnessAddress, WitnessAway, ask
from compliance.audit.models.witnesses import LogCosignature
from compliance.audit.witnessing import meters
from compliance.audit.witnessing.policy import WitnessPolicy
from compliance.audit.witnessing.selectors import cosigners_of, last_cosigned_by

PATIENCE_S: Final = 3.0
"""How long a witness may take for an answer."""
IN_ROUND_S: Final = 0.5
"""How long a round of the sequencer waits for the answers; later ones are taken up by a later round."""
AWAY_S: Final = 30.0
REFUSED_S: Final = 3_600.0

logger = logging.getLogger(__name__)


class Cosigner:
    """Asks each witness about the newest checkpoint, one question at a time."""

    def __init__(self, policy: WitnessPolicy, *, patience_s: float = PATIENCE_S) -> None:
        self._witnesses = policy.witnesses
        self._patience_s = patience_s
        self._asking: dict[str, _Asking] = {}
        self._not_before: dict[str, float] = {}

    def round(self, place: LogPlace, *, wait_s: float = IN_ROUND_S) -> None:
        """Ask about the newest checkpoint, take up what was answered, and publish the checkpoint with it."""
        if not self._witnesses:
            return
        found = self._take_up()
        last = newest(place)
        if last is None:
            return
        head, text = last
        self._ask(place, head, text)
        deadline = time.monotonic() + wait_s
        for asking in self._asking.values():
            asking.join(max(0.0, deadline - time.monotonic()))
        if (self._take_up() or found) and (cosigned := newest(place)) is not None:
            write_checkpoint(place, cosigned[1])

    def _ask(self, place: LogPlace, head: Checkpoint, text: str) -> None:
        signed = cosigners_of(head.size)
        for witness in self._witnesses:
            name = witness.key.name
            if name in signed or name in self._asking or time.monotonic() < self._not_before.get(name, 0.0):
                continue
            held = min(last_cosigned_by(name), head.size)
            self._asking[name] = _Asking(place, witness, head, text, held, self._patience_s)
            self._asking[name].start()

    def _take_up(self) -> bool:
        """Keep what was answered; whether any of it was a cosignature."""
        found = False
        for name, asking in [each for each in self._asking.items() if not each[1].is_alive()]:
            if asking.line is not None:
                _keep(asking, asking.line)
                found = True
            elif isinstance(asking.error, ForkWitnessed):
                _refused(asking)
                self._not_before[name] = time.monotonic() + REFUSED_S
            else:
                logger.warning("The witness %s did not cosign: %s", name, asking.error)
                meters.add({f"witness.failures:{name}": 1})
                self._not_before[name] = time.monotonic() + AWAY_S
            del self._asking[name]
        return found


class _Asking(threading.Thread):
    """One question to one witness; it reads tiles and never the database. A daemon, so that nobody waits for it."""

    def __init__(
        self, place: LogPlace, witness: WitnessAddress, head: Checkpoint, text: str, held: int, patience_s: float
    ) -> None:
        super().__init__(daemon=True, name=f"witness {witness.key.name}")
        self.witness, self.head = witness, head
        self.line: str | None = None
        self.error: Exception | None = None
        self._place, self._text, self._held, self._patience_s = place, text, held, patience_s

    def run(self) -> None:
        """Ask."""
        prove = self._place.tiles.consistency_proof
        try:
            self.line = ask(self.witness, self._text, held=self._held, prove=prove, patience_s=self._patience_s)
        except (ForkWitnessed, LogDamaged, OSError, WitnessAway) as error:
            self.error = error


def _keep(asking: _Asking, line: str) -> None:
    LogCosignature.objects.get_or_create(
        size=asking.head.size,
        witness=asking.witness.key.name,
        defaults={"line": line, "made_at": timezone.now()},
    )


def _refused(asking: _Asking) -> None:
    """A witness that saw another history is put on record: whoever reads the log later finds it there."""
    name = asking.witness.key.name
    logger.error("The witness %s refuses: %s", name, asking.error)
    with transaction.atomic():
        meters.add({f"witness.refusals:{name}": 1})
        what = {"witness": name, "size": asking.head.size, "root": asking.head.root.hex(), "said": str(asking.error)}
        note(kind="witness-refused", happened_at=timezone.now(), what=what)
