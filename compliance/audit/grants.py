"""Least privilege in PostgreSQL: which role may do what with which table of the audit trail and of its neighbours.

Roles are groups that cannot sign in; an operator grants them to the users that processes connect as. Nobody but the
owner of the tables may change, empty or drop an evidence table. Partitions get no grants at all: whoever writes through
the parent needs none on them, so that a new one is closed without anybody remembering to close it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.db import connection, transaction
from psycopg import sql

PREFIX: Final = "clerestory"
WEB, SEQUENCER, READER, ERASER = ROLES = ("web", "sequencer", "reader", "eraser")
ALL: Final = "SELECT, INSERT, UPDATE, DELETE"

# What a role may do with a table; what is not named it may not. Every role but the web process's is for one command.
TABLES: Final[dict[str, dict[str, str]]] = {
    # Evidence: written once.
    "audit_serverecord": {WEB: "SELECT, INSERT", READER: "SELECT", ERASER: "SELECT (id, pseudonym)"},  # no bodies
    "audit_auditevent": {WEB: "SELECT, INSERT", SEQUENCER: "INSERT", READER: "SELECT", ERASER: "INSERT"},
    "audit_sealedblob": {WEB: "SELECT, INSERT", READER: "SELECT"},
    "audit_blob": {WEB: "SELECT, INSERT", READER: "SELECT"},
    "audit_itemversion": {WEB: "SELECT, INSERT", READER: "SELECT"},
    "audit_logentry": {WEB: "SELECT", SEQUENCER: "SELECT, INSERT", READER: "SELECT"},
    "audit_logcheckpoint": {WEB: "SELECT", SEQUENCER: "SELECT, INSERT", READER: "SELECT"},
    "audit_logcosignature": {WEB: "SELECT", SEQUENCER: "SELECT, INSERT", READER: "SELECT"},
    "audit_keytombstone": {WEB: "SELECT", READER: "SELECT", ERASER: "SELECT, INSERT"},
    # What left PostgreSQL, and what may not: written by the tables' owner alone, who drops partitions.
    "audit_coldmonth": {WEB: "SELECT", READER: "SELECT"},
    "audit_legalhold": {WEB: "SELECT", READER: "SELECT", ERASER: "SELECT"},
    # On its way into the log.
    "audit_logqueue": {WEB: "SELECT, INSERT", SEQUENCER: "SELECT, INSERT, DELETE", READER: "SELECT", ERASER: "INSERT"},
    # Keys: the web process makes them, and only the eraser destroys them.
    "audit_subjectkey": {WEB: "SELECT, INSERT", READER: "SELECT", ERASER: ALL},
    "audit_keyencryptionkey": {WEB: "SELECT, INSERT", READER: "SELECT", ERASER: "SELECT, INSERT, UPDATE"},
    # Who may audit with a key: given out and taken away by the tables' owner alone.
    "audit_auditorkey": {WEB: "SELECT", READER: "SELECT"},
    # Bookkeeping, which proves nothing.
    "audit_servekey": {WEB: "SELECT, INSERT, DELETE", READER: "SELECT", ERASER: "SELECT, DELETE"},
    "audit_logmeter": dict.fromkeys(ROLES, "SELECT, INSERT, UPDATE"),
    "audit_streamoffset": {WEB: "SELECT", READER: "SELECT, INSERT, UPDATE"},  # who reads may send on
    "audit_ingestsource": {WEB: "SELECT, UPDATE (created_at)", READER: "SELECT"},  # to lock a row takes an UPDATE
    "audit_ingestrange": {WEB: ALL, READER: "SELECT"},
    "audit_ingestclaim": {WEB: "SELECT, INSERT, UPDATE", READER: "SELECT"},
    # Which rules are in force: changed by the tables' owner alone, by way of `manage.py policy`.
    "policy_policyversion": {WEB: "SELECT", READER: "SELECT"},
    # Decisions and their statements are written once; what has a course of its own is carried on, and never dropped.
    "statements_actor": {WEB: "SELECT, INSERT"},
    "statements_decision": {WEB: "SELECT, INSERT"},
    "statements_statement": {WEB: "SELECT, INSERT"},
    "statements_reversal": {WEB: "SELECT, INSERT"},
    "statements_evidence": {WEB: "SELECT, INSERT"},
    "statements_reconciliation": {WEB: "SELECT, INSERT"},
    "statements_creatoraccount": {WEB: "SELECT, INSERT"},
    "statements_complaint": {WEB: "SELECT, INSERT, UPDATE"},
    "statements_delivery": {WEB: "SELECT, INSERT, UPDATE"},
    "statements_submission": {WEB: "SELECT, INSERT, UPDATE"},
    "statements_standing": {WEB: "SELECT, INSERT, DELETE"},
    "statements_served": {WEB: "SELECT, INSERT", READER: "SELECT", ERASER: "SELECT, DELETE"},  # forgotten with a key
    "labels_label": {WEB: "SELECT, INSERT, UPDATE (superseded_by)"},  # and a trigger lets that be set once
    "catalogue_essential": {WEB: "SELECT, INSERT, UPDATE"},
    # What people said, set and used.
    "subjects_subject": {WEB: "SELECT, INSERT, UPDATE"},
    "subjects_consent": {WEB: "SELECT, INSERT"},
    "subjects_feedchoice": {WEB: "SELECT, INSERT, UPDATE"},
    "subjects_control": {WEB: ALL},
    "subjects_hiddenitem": {WEB: "SELECT, INSERT, DELETE"},
    "subjects_earlierepoch": {WEB: "SELECT, INSERT, DELETE"},
    "subjects_guardianinvite": {WEB: ALL},
    "subjects_guardianship": {WEB: ALL},
    "subjects_guardianview": {WEB: "SELECT, INSERT"},
    "surveys_statedpreference": {WEB: "SELECT, INSERT, UPDATE"},
    "limits_usageday": {WEB: ALL},
    "limits_pushsent": {WEB: "SELECT, INSERT, DELETE"},
    "limits_dayeffect": {WEB: "SELECT, INSERT, DELETE"},
    "assurance_agesignal": {WEB: "SELECT, INSERT"},
    "assurance_agechallenge": {WEB: "SELECT, INSERT, DELETE"},
    "assurance_spenttoken": {WEB: "SELECT, INSERT, DELETE"},
    "assurance_tiercontest": {WEB: "SELECT, INSERT, UPDATE"},
}


class RoleTooPowerful(RuntimeError):
    """A role of this name exists and may do more than any grant could take away."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The names of the roles in one database cluster."""

    prefix: str = PREFIX

    def name(self, role: str) -> str:
        """A role's full name."""
        return f"{self.prefix}_{role}"

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(map(self.name, ROLES))


def statements(roles: Roles) -> list[str]:
    """The statements that make the roles and give each exactly what it needs, whatever it had before."""
    return [each.as_string(None) for each in _statements(roles)]


@transaction.atomic
def apply(roles: Roles) -> list[str]:
    """Run the statements, as the owner of the tables; return them. Raises RoleTooPowerful and the database's errors."""
    said = statements(roles)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR rolreplication)",
            [list(roles.names)],
        )
        if powerful := [name for (name,) in cursor.fetchall()]:
            raise RoleTooPowerful(f"{', '.join(powerful)} may do everything already: drop it, or use another prefix.")
        for statement in said:
            cursor.execute(statement)
    return said


def _statements(roles: Roles) -> Iterator[sql.Composed]:
    everyone = sql.SQL(", ").join(map(sql.Identifier, roles.names))
    for name in roles.names:
        yield sql.SQL(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN CREATE ROLE {} NOLOGIN; "
            "END IF; END $$"
        ).format(sql.Literal(name), sql.Identifier(name))
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {}").format(everyone)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(everyone)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(everyone)
    # A partition that is made later must not get what somebody else's default gives.
    yield sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC, {}").format(everyone)
    for table in _other_tables():
        yield _granted(roles, WEB, table, ALL)
    yield _granted(roles, WEB, "django_migrations", "SELECT")
    for table, granted in TABLES.items():
        for role, what in granted.items():
            yield _granted(roles, role, table, what)


def _granted(roles: Roles, role: str, table: str, what: str) -> sql.Composed:
    return sql.SQL("GRANT {} ON {} TO {}").format(
        sql.SQL(what),  # one of the constants above
        sql.Identifier(table),
        sql.Identifier(roles.name(role)),
    )


def _other_tables() -> list[str]:
    """The host's tables and the catalogue's, which nothing is proved by: the web process works with them freely."""
    models = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models if model._meta.managed} - TABLES.keys())
