"""Reads about subjects: what they chose, consented to and hid."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from django.db import connection

from compliance.subjects.models import Purpose, Subject


@dataclass(frozen=True, kw_only=True)
class Said:
    """One control as it is stored."""

    kind: str
    target: str
    value: str
    by_guardian: bool = False


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Everything a subject declared that decides about a slate."""

    choices: tuple[tuple[str, str], ...]  # (surface, feed mode), oldest choice first
    consents: dict[str, tuple[bool, int]]  # purpose -> whether the latest decision grants it, and its id
    hidden_items: tuple[int, ...]
    controls: tuple[Said, ...]
    guarded: bool  # a guardian is linked

    @property
    def consent(self) -> str:
        """What was said about personalisation: granted, none, or objected, which outweighs any consent."""
        if self.consents.get(Purpose.OBJECTION, (False, 0))[0]:
            return "objected"
        return "granted" if self.consented else "none"

    @property
    def consented(self) -> bool:
        """Whether the latest decision about personalisation grants it."""
        return self.consents.get(Purpose.PERSONALISATION, (False, 0))[0]

    @property
    def consent_id(self) -> int | None:
        """The latest decision about any purpose that decides about a slate."""
        return max((number for _, number in self.consents.values()), default=None)

    @property
    def parental_consent(self) -> bool:
        """Whether a guardian's latest decision consents."""
        return self.consents.get(Purpose.PARENTAL, (False, 0))[0]

    def mode_for(self, surface: str) -> str:
        """The order chosen for a surface; empty when none was ever chosen.

        A choice made on one surface holds on every surface that has no choice of its own, so that leaving the
        personalised order once is enough (DSA Art. 25, 38).
        """
        chosen = dict(self.choices)
        if surface in chosen:
            return chosen[surface]
        return self.choices[-1][1] if self.choices else ""


# Read on every request: one round trip instead of four.
_DECLARED = """
SELECT
    (SELECT array_agg(ARRAY[surface, feed_mode] ORDER BY chosen_at, id)
       FROM subjects_feedchoice WHERE subject_id = %(subject)s),
    (SELECT array_agg(ARRAY[purpose, granted::int::text, id::text])
       FROM (SELECT DISTINCT ON (purpose) purpose, granted, id FROM subjects_consent
              WHERE subject_id = %(subject)s ORDER BY purpose, id DESC) AS latest),
    (SELECT array_agg(item_id ORDER BY item_id) FROM subjects_hiddenitem WHERE subject_id = %(subject)s),
    (SELECT array_agg(ARRAY[kind, target, value, by_guardian::int::text] ORDER BY kind, target, by_guardian, value)
       FROM subjects_control WHERE subject_id = %(subject)s),
    EXISTS (SELECT 1 FROM subjects_guardianship WHERE child_id = %(subject)s)
"""


def declared(subject: Subject) -> Declared:
    """What a subject declared, and its latest decision about each purpose."""
    connection.ensure_connection()
    # Prepared: planning four look-ups on every request would cost as much as making them.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_DECLARED, {"subject": subject.id}, prepare=True)
        choices, consents, hidden, controls, guarded = cursor.fetchone() or (None, None, None, None, False)
    return Declared(
        choices=tuple((surface, mode) for surface, mode in choices or ()),
        consents={purpose: (granted == "1", int(number)) for purpose, granted, number in consents or ()},
        hidden_items=tuple(hidden or ()),
        controls=tuple(
            Said(kind=kind, target=target, value=value, by_guardian=guardian == "1")
            for kind, target, value, guardian in controls or ()
        ),
        guarded=guarded,
    )


def chosen_mode(subject: Subject, surface: str) -> str:
    """The order chosen for a surface; see `Declared.mode_for`."""
    return declared(subject).mode_for(surface)
