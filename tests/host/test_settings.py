"""Production refuses to start half-configured, and passes Django's own deployment checks."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from host.engines.paths import default_home
from host.settings.environment import host_names, required

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = {
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(60),
    "DJANGO_ALLOWED_HOSTS": "feeds.example",
    "DATABASE_URL": "postgres://user:word@db.example:5432/clerestory",
    "CELERY_BROKER_URL": "amqp://broker.example",
    "CLERESTORY_ESCROW_KEY": "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py under production settings with exactly these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**kept, "DJANGO_SETTINGS_MODULE": "host.settings.production", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_complete_production_settings_pass_the_deployment_checks_without_a_warning() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **COMPLETE)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize("missing", sorted(COMPLETE))
def test_a_missing_production_setting_stops_the_start_and_is_named(missing: str) -> None:
    done = manage("check", **{name: value for name, value in COMPLETE.items() if name != missing})
    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(COMPLETE["DJANGO_SECRET_KEY"] + "\n")
    others = {name: value for name, value in COMPLETE.items() if name != "DJANGO_SECRET_KEY"}
    assert manage("check", DJANGO_SECRET_KEY_FILE=str(secret), **others).returncode == 0


@pytest.mark.parametrize("name", ["DATABASE_URL", "CELERY_BROKER_URL"])
def test_a_server_named_in_a_file_is_the_one_that_is_used(name: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(COMPLETE[name] + "\n")
    others = {key: value for key, value in COMPLETE.items() if key != name}
    script = "from django.conf import settings as s; print(s.DATABASES['default']['HOST'], s.CELERY_BROKER_URL)"
    done = manage("shell", "--no-imports", "-c", script, **others, **{f"{name}_FILE": str(file)})
    assert done.stdout.strip() == "db.example amqp://broker.example", done.stderr


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("  \n", "is empty"), (None, "cannot be read")])
def test_a_file_without_a_value_is_refused(
    content: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "value"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("A_URL", "postgres://left-over")
    monkeypatch.setenv("A_URL_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=f"A_URL_FILE names .*{words}"):
        required("A_URL", "it is needed")


def test_production_refuses_the_embedded_broker_however_it_is_named() -> None:
    done = manage("check", **{**COMPLETE, "CELERY_BROKER_URL": "supervised+socket:///x/broker.sock"})
    assert "are for demos and tests" in refusal(done)


def test_host_names_may_have_spaces_between_them_and_stand_for_a_whole_domain() -> None:
    script = "from django.conf import settings as s; print(s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS)"
    hosts = {**COMPLETE, "DJANGO_ALLOWED_HOSTS": "a.example, b.example,,.c.example"}
    done = manage("shell", "--no-imports", "-c", script, **hosts)
    assert done.stdout.strip() == (
        "['a.example', 'b.example', '.c.example'] ['https://a.example', 'https://b.example', 'https://*.c.example']"
    ), done.stderr


@pytest.mark.parametrize("hosts", ["*", "a.example,*", "*.a.example", "https://a.example", "a.example:443", ","])
def test_a_host_list_that_trusts_too_much_or_nothing_stops_the_start(hosts: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="is no host name"):
        host_names(hosts)


def test_people_behind_a_proxy_are_told_apart_when_sign_ins_are_counted() -> None:
    script = (
        "from allauth.core.internal.httpkit import get_client_ip; from django.test import RequestFactory;"
        "request = RequestFactory().get('/', headers={'X-Forwarded-For': '198.51.100.9, 203.0.113.7'});"
        "from rest_framework.throttling import AnonRateThrottle;"
        "print(get_client_ip(request), AnonRateThrottle.get_ident(AnonRateThrottle, request))"
    )
    ask = ["shell", "--no-imports", "-c", script]
    assert manage(*ask, **COMPLETE).stdout.split() == ["203.0.113.7"] * 2
    assert manage(*ask, **COMPLETE, CLERESTORY_PROXIES="0").stdout.split() == ["127.0.0.1"] * 2


def test_probes_are_not_sent_to_https() -> None:
    script = (
        "from django.test import Client;"
        "print(*[Client(HTTP_HOST='feeds.example').get(path).status_code for path in ('/healthz', '/accounts/login/')])"
    )
    assert manage("shell", "--no-imports", "-c", script, **COMPLETE).stdout.split()[-2:] == ["200", "301"]


DEMO = {"DJANGO_SETTINGS_MODULE": "host.settings.demo"}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DATABASE_URL", "postgres://u:p@db.example:abc/x", "write postgres://USER:PASSWORD@HOST:5432/NAME"),
        ("CLERESTORY_USER_CACHE_BYTES", "abc", "CLERESTORY_USER_CACHE_BYTES is 'abc'"),
        ("CLERESTORY_HOME", "/proc/nope", "/proc/nope cannot be used"),
    ],
)
def test_a_variable_that_makes_no_sense_is_one_sentence(variable: str, value: str, words: str, tmp_path: Path) -> None:
    done = manage("check", **{**DEMO, "CLERESTORY_HOME": str(tmp_path), variable: value})
    assert words in refusal(done)


def test_a_relative_home_becomes_absolute_for_children_that_work_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLERESTORY_HOME", "here")
    assert default_home() == tmp_path / "here"


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refused command printed."""
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_the_demo_refuses_production_settings() -> None:
    done = manage("demo", **COMPLETE)
    assert done.returncode != 0
    assert "refuses to run with these settings" in done.stderr
