"""The web role serves a slate from end to end, and can change, empty or drop nothing that is on record."""
# ruff: noqa: S608 - statements are put together from the names of our own tables

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from compliance.audit.gauges import gauges
from compliance.audit.grants import ERASER, READER, ROLES, SEQUENCER, TABLES, WEB, Roles, RoleTooPowerful, apply
from compliance.audit.keys.services import erase
from compliance.audit.models import LogEntry, ServeRecord
from compliance.audit.storage.partitions import BY_ID, BY_PERIOD, make_ahead
from compliance.labels.services import moderate
from compliance.statements.models import Decision
from ranking.catalogue.models import Item
from tests.compliance.test_door import serve_on
from tests.conftest import World

pytestmark = pytest.mark.django_db

NAMES = Roles(prefix=f"test_{os.getpid()}")  # roles belong to the cluster: each test process has its own
BOOKKEEPING = {"audit_servekey", "audit_logmeter", "audit_logqueue"}
EVIDENCE = sorted(table for table in TABLES.keys() - BOOKKEEPING if table.startswith("audit_"))
SOME_COLUMN = {"audit_ingestsource": "created_at", "labels_label": "superseded_by"}  # where it may be one alone
ONCE = ("actor", "decision", "evidence", "reconciliation", "reversal", "statement")


@pytest.fixture(name="roles")
def _roles(world: World) -> Roles:
    """The roles, in this test's transaction alone."""
    apply(NAMES)
    return NAMES


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Everything inside is asked by a role that is no superuser."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {NAMES.name(role)}")
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (NAMES.name(role), False)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def denied(statement: str) -> bool:
    """Whether the database refuses a statement for want of privileges."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            transaction.set_rollback(True)
    except ProgrammingError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def partitions() -> list[str]:
    """Every partition there is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent::regclass::text LIKE 'audit_%'"
        )
        return [name.strip('"') for (name,) in cursor.fetchall() if "idx" not in name and "pkey" not in name]


def test_every_table_of_the_audit_trail_is_thought_of() -> None:
    ours = [each for each in apps.get_models() if each._meta.app_config.name.startswith("compliance.")]
    tables = {each._meta.db_table for each in ours if each._meta.app_label not in {"catalogue", "ranker"}}
    assert tables | {"catalogue_essential"} == TABLES.keys()  # a new room's tables need least privilege too


def test_the_web_role_changes_no_rule_and_no_decision() -> None:
    assert TABLES["policy_policyversion"] == {WEB: "SELECT", READER: "SELECT"}
    assert {TABLES[f"statements_{table}"][WEB] for table in ONCE} == {"SELECT, INSERT"}
    assert {TABLES[table][WEB] for table in ("subjects_consent", "assurance_agesignal")} == {"SELECT, INSERT"}


def test_the_web_role_labels_an_item_again_with_its_statement_and_can_change_no_word(
    roles: Roles, world: World
) -> None:
    item = Item.objects.filter(service=world.service, suitable_from="child").order_by("id")[0]
    with acting_as(WEB):
        for value in ("unsafe", "clear", "unsafe"):
            moderate(service=world.service, item_id=item.pk, verdicts={"hate": value}, by="account 1", why="a look")
        assert denied("UPDATE labels_label SET value = 'clear'")
    assert Decision.objects.filter(item=item, reversal=None).count() == 1


def test_a_slate_is_served_sequenced_and_erased_by_roles_that_may_do_no_more(
    roles: Roles, world: World, settings: Any, tmp_path: Path
) -> None:
    settings.AUDIT_LOG = {**settings.AUDIT_LOG, "folder": tmp_path / "log", "key": tmp_path / "key"}
    subject = world.subject("alex")
    with acting_as(WEB):
        first = serve_on(subject, key="once")
        assert serve_on(subject, key="once").serve_id == first.serve_id
        serve_on(world.subject("sam"))
        assert gauges(timezone.now()).waiting > 0
    with acting_as(SEQUENCER):
        call_command("sequencer", once=True)
    assert LogEntry.objects.filter(event_id=first.serve_id).exists()
    with acting_as(READER):
        call_command("audit", "verify", stdout=io.StringIO())
        call_command("audit", "prove", str(first.serve_id), stdout=io.StringIO())
    with acting_as(ERASER):
        assert erase(pseudonym=subject.pseudonym, by="test", why="asked", approved_by="another")
    with acting_as(READER):
        call_command("audit", "verify", stdout=io.StringIO())


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_the_owner_changes_empties_or_drops_what_is_on_record(roles: Roles, world: World, role: str) -> None:
    serve_on(world.subject("alex"))
    make_ahead(now=timezone.now() + timedelta(days=900))  # partitions of after the grants
    names = [*TABLES, *partitions()]
    assert len(names) > len(TABLES) + 20
    with acting_as(role):
        for table in names:
            assert denied(f"TRUNCATE {table}"), table
            assert denied(f"DROP TABLE {table}"), table
            assert denied(f"ALTER TABLE {table} DISABLE TRIGGER ALL"), table
            granted = TABLES.get(table, {}).get(role, "")
            assert denied(f"DELETE FROM {table}") == ("DELETE" not in granted), table
            column = SOME_COLUMN.get(table) or _column(table)
            assert denied(f"UPDATE {table} SET {column} = {column}") == ("UPDATE" not in granted), table
            assert denied(f"SELECT FROM {table}") == ("SELECT" not in granted), table


def test_evidence_is_written_once_by_whoever_writes_it() -> None:
    kept = {
        "audit_subjectkey",
        "audit_keyencryptionkey",
        "audit_ingestrange",
        "audit_ingestclaim",
        "audit_ingestsource",
        "audit_streamoffset",
    }
    for table in sorted(set(EVIDENCE) - kept):
        for granted in TABLES[table].values():
            assert set(granted.replace(" (id, pseudonym)", "").split(", ")) <= {"SELECT", "INSERT"}, table


def test_a_partition_is_closed_even_where_a_default_would_open_it(roles: Roles) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {roles.name(WEB)}, {roles.name(READER)}"
        )
    apply(roles)
    made = make_ahead(now=timezone.now() + timedelta(days=900))
    assert {name.rpartition("_20")[0] for name in made} == {*BY_ID, *BY_PERIOD}
    with acting_as(WEB):
        assert all(denied(f"DELETE FROM {name}") and denied(f"SELECT FROM {name}") for name in made)


def test_rows_are_read_through_the_parent_table_alone(roles: Roles, world: World) -> None:
    with acting_as(WEB):
        serve_on(world.subject("alex"))
        assert ServeRecord.objects.exists()
        assert all(denied(f"SELECT FROM {name}") for name in partitions())


def test_a_role_that_may_do_everything_already_is_refused(world: World) -> None:
    names = Roles(prefix=f"strong_{os.getpid()}")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {names.name(WEB)} SUPERUSER")
    with pytest.raises(RoleTooPowerful, match="may do everything already"):
        apply(names)


def test_the_command_prints_what_it_would_run() -> None:
    out = io.StringIO()
    call_command("audit", "grants", prefix="other", stdout=out)
    assert 'GRANT SELECT, INSERT ON "audit_serverecord" TO "other_web";' in out.getvalue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'other%'")
        assert cursor.fetchone() == (0,)


def _column(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum LIMIT 1",
            [table],
        )
        return str(cursor.fetchone()[0])
