"""`manage.py audit rebuild`: write the log's files anew from the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from compliance.audit.heads import CopyAway, LogForked, newest
from compliance.audit.log.reading import LogDamaged
from compliance.audit.management.verbs.base import COULD_NOT, Talk, Verb
from compliance.audit.place import log_place
from compliance.audit.sequencer import NotAlone, alone, rebuild


class Rebuild(Verb):
    """Moves aside what is in the way, and deletes nothing."""

    name = "rebuild"
    help = "write missing tiles and the checkpoint again, from the database"

    def run(self, talk: Talk, **_: Any) -> int:
        """Alone with the log."""
        place = log_place()
        try:
            with alone():
                moved = rebuild(place)
                last = newest(place)
        except (CopyAway, LogDamaged, LogForked, NotAlone) as error:
            raise CommandError(f"Nothing was rebuilt. {error}", returncode=COULD_NOT) from error
        for name in moved:
            talk.say(f"moved aside: {name}")
        talk.say(f"The signed log's files are as the database has them; {len(moved)} were moved aside.")
        size, root = (0, "") if last is None else (last[0].size, last[0].root.hex())
        talk.document({"verb": self.name, "moved_aside": moved, "leaves": size, "root": root})
        return 0
