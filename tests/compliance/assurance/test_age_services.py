"""Age signals, proofs and contests at the service: strict, single use, on record, and nothing behind them stored."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from compliance.assurance import services
from compliance.assurance.local_provider import LocalProvider, prove
from compliance.assurance.models import AgeSignal, SpentToken, TierContest
from compliance.assurance.providers import KeysRefused, ProviderKey, TokenRefused, read_keys
from compliance.assurance.selectors import effective
from compliance.assurance.services import AgeRefused
from compliance.assurance.standing import STRICTEST_FIRST
from compliance.audit.models import AuditEvent
from compliance.audit.selectors import document_of
from compliance.policy.facts import make_plan, plan_for
from compliance.subjects.models import Assurance, Guardianship, Subject, Tier
from tests.conftest import World

DAY = timedelta(days=1)


def person(world: World, tier: Tier = Tier.UNKNOWN, **fields: object) -> Subject:
    return Subject.objects.create(service=world.service, tier=tier, **fields)


def key_for(provider: LocalProvider, tier: str) -> ProviderKey:
    return next(key for key in provider.public_keys() if key.tier == tier)


def proof(provider: LocalProvider, subject: Subject, account: str = "ann") -> tuple[str, str]:
    number = services.challenge(subject=subject, now=timezone.now())
    key = key_for(provider, provider.accounts[account])
    return number, prove(provider, account=account, key=key, challenge=bytes.fromhex(number))


def redeem(subject: Subject, number: str, token: str, days: float = 0) -> AgeSignal:
    return services.redeem(subject=subject, number=number, token=token, now=timezone.now() + days * DAY)


def test_a_proof_makes_the_very_next_plan_an_adults(world: World, trusted: LocalProvider) -> None:
    subject = person(world)
    assert plan_for(subject, "home").minor
    signal = redeem(subject, *proof(trusted, subject))
    assert (subject.tier, subject.assurance) == (Tier.ADULT, Assurance.VERIFIED)
    assert not plan_for(subject, "home").minor
    assert (signal.issuer, signal.confidence_milli) == ("made-up", 990)


def test_when_a_proof_ends_the_router_sees_it_without_anybody_writing(world: World, trusted: LocalProvider) -> None:
    subject = person(world)
    redeem(subject, *proof(trusted, subject))
    later = timezone.now() + 366 * DAY
    assert make_plan(subject, "home", 12, later).facts.tier == "unknown"
    assert effective(subject, later).tier == "unknown"
    assert effective(subject, timezone.now()).tier == "adult"


def test_a_child_by_proof_is_no_adult_by_an_older_or_a_new_word_when_the_proof_has_ended(
    world: World, trusted: LocalProvider
) -> None:
    subject = person(world)
    services.declare(subject=subject, tier="adult", now=timezone.now())
    redeem(subject, *proof(trusted, subject, "kit"))
    for days in (366, 800, 4000):
        later = timezone.now() + days * DAY
        assert make_plan(subject, "home", 12, later).facts.tier == "child"
        for tier in ("young_teen", "teen", "adult"):
            with pytest.raises(AgeRefused, match="your word alone"):
                services.declare(subject=subject, tier=tier, now=later)
    assert effective(subject, timezone.now() + 366 * DAY).assurance == "none"


def test_who_had_a_signal_may_not_simply_say_adult_when_no_tier_holds_any_more(
    world: World, trusted: LocalProvider
) -> None:
    subject = person(world, Tier.CHILD)
    redeem(subject, *proof(trusted, subject))
    later = timezone.now() + 366 * DAY
    assert effective(subject, later).tier == "unknown"
    with pytest.raises(AgeRefused, match="your word alone"):
        services.declare(subject=subject, tier="adult", now=later)
    services.declare(subject=subject, tier="teen", now=later)
    assert effective(subject, later).tier == "teen"


@pytest.mark.parametrize(("tier", "years"), [("child", 13), ("young_teen", 3), ("teen", 2)])
def test_without_a_month_nobody_leaves_a_tier_before_its_youngest_would(world: World, tier: str, years: int) -> None:
    subject, now = person(world), timezone.now()
    services.declare(subject=subject, tier=tier, now=now)
    older = STRICTEST_FIRST[STRICTEST_FIRST.index(tier) + 1]
    with pytest.raises(AgeRefused):
        services.declare(subject=subject, tier=older, now=now + timedelta(days=years * 365))
    services.declare(subject=subject, tier=older, now=now + timedelta(days=years * 366 + 31))
    assert subject.tier == older


def test_a_proof_counts_once(world: World, trusted: LocalProvider) -> None:
    subject = person(world)
    number, token = proof(trusted, subject)
    redeem(subject, number, token)
    with pytest.raises(TokenRefused, match="not yours"):
        redeem(subject, number, token)
    assert AgeSignal.objects.filter(subject=subject).count() == 1


def test_a_spent_proof_is_refused_even_where_its_number_came_back(world: World, trusted: LocalProvider) -> None:
    from hashlib import sha256

    from compliance.assurance.models import AgeChallenge

    subject = person(world)
    number, token = proof(trusted, subject)
    redeem(subject, number, token)
    digest = sha256(bytes.fromhex(number)).hexdigest()
    AgeChallenge.objects.create(subject=subject, challenge_sha256=digest, expires_at=timezone.now() + DAY)
    with pytest.raises(TokenRefused, match="used before"):
        redeem(subject, number, token)


def test_a_proof_cannot_be_handed_on(world: World, trusted: LocalProvider) -> None:
    child, adult = person(world, Tier.CHILD), person(world)
    number, token = proof(trusted, adult)
    with pytest.raises(TokenRefused, match="not yours"):
        redeem(child, number, token)
    own = services.challenge(subject=child, now=timezone.now())
    with pytest.raises(TokenRefused, match="not what its issuer signed"):
        redeem(child, own, token)
    child.refresh_from_db()
    assert child.tier == Tier.CHILD


def test_a_teens_proof_is_no_adults_by_another_name(world: World, trusted: LocalProvider) -> None:
    subject = person(world)
    number, token = proof(trusted, subject, "tim")
    forged = token.replace(key_for(trusted, "teen").id, key_for(trusted, "adult").id)
    with pytest.raises(TokenRefused, match="not what its issuer signed"):
        redeem(subject, number, forged)
    redeem(subject, number, token)
    assert subject.tier == Tier.TEEN


def test_a_provider_signs_for_an_accounts_own_tier_alone(world: World, trusted: LocalProvider) -> None:
    number = services.challenge(subject=person(world), now=timezone.now())
    for account in ("kit", "tim", "nobody"):
        with pytest.raises(TokenRefused, match="nothing was signed"):
            prove(trusted, account=account, key=key_for(trusted, "adult"), challenge=bytes.fromhex(number))


def test_strangers_old_numbers_and_keys_out_of_use_are_refused(
    world: World, trusted: LocalProvider, stranger: LocalProvider
) -> None:
    subject = person(world)
    with pytest.raises(TokenRefused, match="not one that is trusted"):
        redeem(subject, *proof(stranger, subject))
    with pytest.raises(TokenRefused, match="half an hour"):
        redeem(subject, *proof(trusted, subject), days=0.03)
    with pytest.raises(TokenRefused, match="no age proof"):
        redeem(subject, proof(trusted, subject)[0], "nonsense")
    assert not SpentToken.objects.exists()


@pytest.mark.parametrize(("minutes", "refused"), [(-6, True), (-4, False), (4, False), (6, True)])
def test_clocks_may_differ_by_five_minutes(
    world: World, provider: LocalProvider, tmp_path: Path, settings: Any, minutes: int, refused: bool
) -> None:
    now = timezone.now()
    edge = {"not_before" if minutes < 0 else "not_after": (now - timedelta(minutes=minutes)).isoformat()}
    path = tmp_path / "edge.json"
    path.write_text(json.dumps([{**key, **edge} for key in provider.document()]))
    settings.AGE_PROVIDERS = str(path)
    subject = person(world)
    number, token = proof(provider, subject)
    if refused:
        with pytest.raises(TokenRefused, match="too old or too new"):
            services.redeem(subject=subject, number=number, token=token, now=now)
    else:
        services.redeem(subject=subject, number=number, token=token, now=now)


def test_without_trusted_keys_no_proof_counts(world: World, provider: LocalProvider) -> None:
    subject = person(world)
    with pytest.raises(TokenRefused, match="trusted"):
        redeem(subject, *proof(provider, subject))


@pytest.mark.parametrize(
    "change",
    [{"tier": "old"}, {"method": "guessed"}, {"public_key": "x"}, {"more": 1}, {"not_after": "2030-01-01T00:00:00"}],
)
def test_a_file_of_keys_is_read_whole_or_not_at_all(provider: LocalProvider, tmp_path: Path, change: Any) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps([*provider.document()[1:], {**provider.document()[0], **change}]))
    with pytest.raises(KeysRefused, match="cannot be used"):
        read_keys(path)


def test_a_childs_word_is_not_enough_to_be_older(world: World) -> None:
    child = person(world, Tier.CHILD, assurance=Assurance.SELF_DECLARED, tier_expires_on=date(2030, 1, 31))
    for tier in ("young_teen", "adult"):
        with pytest.raises(AgeRefused, match="your word alone"):
            services.declare(subject=child, tier=tier, now=timezone.now())
    services.declare(subject=child, tier="child", now=timezone.now(), expires_on=date(2027, 1, 5))
    assert (child.tier, child.tier_expires_on) == (Tier.CHILD, date(2027, 1, 31))


def test_when_the_month_has_ended_the_next_tier_can_be_said_and_no_more(world: World) -> None:
    now = timezone.now()
    ended = (now - 40 * DAY).date().replace(day=1) - DAY
    child = person(world, Tier.CHILD, assurance=Assurance.SELF_DECLARED, tier_expires_on=ended)
    assert make_plan(child, "home", 12, now).facts.tier == "child"  # until they say so
    with pytest.raises(AgeRefused):
        services.declare(subject=child, tier="teen", now=now)
    services.declare(subject=child, tier="young_teen", now=now)
    assert child.tier == Tier.YOUNG_TEEN


def test_an_adult_who_says_child_is_one_at_once_and_not_back_by_word(world: World) -> None:
    adult, now = person(world, Tier.ADULT, assurance=Assurance.SELF_DECLARED), timezone.now()
    services.declare(subject=adult, tier="child", now=now)
    assert plan_for(adult, "home").minor
    with pytest.raises(AgeRefused):
        services.declare(subject=adult, tier="adult", now=now)


def test_a_month_beyond_the_tier_is_refused(world: World) -> None:
    for expires_on in (date(2020, 1, 31), date(2060, 1, 31)):
        with pytest.raises(AgeRefused, match="within 2 years"):
            services.declare(subject=person(world), tier="teen", now=timezone.now(), expires_on=expires_on)


def test_a_guardian_attests_a_childs_tier_and_nobody_else_does(world: World) -> None:
    guardian, child, now = person(world, Tier.ADULT), person(world), timezone.now()
    link = Guardianship.objects.create(guardian=guardian, child=child)
    services.attest(guardian=guardian, link_id=link.pk, tier="young_teen", now=now)
    child.refresh_from_db()
    assert (child.tier, child.assurance) == (Tier.YOUNG_TEEN, Assurance.GUARDIAN)
    with pytest.raises(AgeRefused, match="under 18"):
        services.attest(guardian=guardian, link_id=link.pk, tier="adult", now=now)
    for other in (child, person(world, Tier.ADULT)):
        with pytest.raises(Guardianship.DoesNotExist):
            services.attest(guardian=other, link_id=link.pk, tier="child", now=now)


def test_a_contest_is_decided_by_a_person_and_never_twice_by_the_same(world: World) -> None:
    subject, now = person(world, Tier.CHILD), timezone.now()
    first = services.contest(subject=subject, wanted="teen", now=now)
    with pytest.raises(AgeRefused, match="already"):
        services.contest(subject=subject, wanted="adult", now=now)
    for by, why in [("schedule", "x"), ("subject", "x"), ("", "x"), ("Ada", ""), ("Ada", "x" * 65)]:
        with pytest.raises(AgeRefused, match="A person decides"):
            services.decide(contest_id=first.pk, granted=True, by=by, why=why, now=now)
    services.decide(contest_id=first.pk, granted=False, by="Ada", why="no proof", now=now)
    subject.refresh_from_db()
    assert subject.tier == Tier.CHILD
    second = services.contest(subject=subject, wanted="teen", now=now)
    with pytest.raises(AgeRefused, match="somebody else"):
        services.decide(contest_id=second.pk, granted=True, by=" ada ", why="changed my mind", now=now)
    services.decide(contest_id=second.pk, granted=True, by="Bo", why="school letter seen", now=now)
    subject.refresh_from_db()
    assert (subject.tier, subject.assurance) == (Tier.TEEN, Assurance.SELF_DECLARED)
    with pytest.raises(AgeRefused, match="is decided"):
        services.decide(contest_id=second.pk, granted=True, by="Cy", why="again", now=now)


def test_the_command_lists_and_decides(world: World) -> None:
    made = services.contest(subject=person(world, Tier.CHILD), wanted="teen", now=timezone.now())
    out = StringIO()
    call_command("age_contests", "list", stdout=out)
    assert f"{made.pk}: asked" in out.getvalue()
    call_command("age_contests", "decide", str(made.pk), "--grant", "--by", "Ada", "--why", "seen", stdout=out)
    with pytest.raises(CommandError, match="is decided"):
        call_command("age_contests", "decide", str(made.pk), "--refuse", "--by", "Bo", "--why", "no", stdout=out)
    assert TierContest.objects.get(pk=made.pk).granted


def test_every_act_is_on_record_and_says_a_tier_and_no_more(world: World, trusted: LocalProvider) -> None:
    subject = person(world)
    services.declare(subject=subject, tier="teen", now=timezone.now())
    redeem(subject, *proof(trusted, subject))
    made = services.contest(subject=subject, wanted="teen", now=timezone.now())
    services.decide(contest_id=made.pk, granted=True, by="Ada", why="asked for", now=timezone.now())
    bodies = [document_of(event) for event in AuditEvent.objects.filter(pseudonym=subject.pseudonym).order_by("id")]
    assert [body["kind"] for body in bodies] == ["age_signal", "age_signal", "age_contest", "age_contest", "age_signal"]
    known = {"about", "id", "kind", "happened_ms", "method", "tier", "issuer", "confidence_milli", "tier_expires_on"}
    known |= {"holds", "before", "act", "contest", "wanted", "granted", "decided_by", "why"}
    assert set().union(*bodies) <= known
    assert not any(isinstance(value, bytes) for body in bodies for value in body.values())


def test_no_table_has_a_place_for_birth_dates_documents_or_pictures() -> None:
    words = ("birth", "born", "dob", "passport", "photo", "selfie", "picture", "face", "document", "id_card")
    named = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith(("compliance", "host", "ranking"))
        for field in model._meta.get_fields()
        if any(word in field.name.split("_") or word in field.name for word in words if word != "face")
    ]
    assert named == []
    holds_bytes = [
        f"{model.__name__}.{field.name}"
        for label in ("assurance", "subjects", "limits")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField | models.FileField | models.JSONField | models.TextField)
    ]
    assert holds_bytes == []
    assert {field.name for field in AgeSignal._meta.get_fields()} == {
        "id",
        "subject",
        "method",
        "tier",
        "confidence_milli",
        "issuer",
        "at",
        "valid_until",
        "tier_expires_on",
    }


def test_what_is_over_is_forgotten(world: World, trusted: LocalProvider) -> None:
    subject, now = person(world), timezone.now()
    redeem(subject, *proof(trusted, subject))
    services.challenge(subject=subject, now=now)
    assert services.forget_spent(now=now + 399 * DAY) == 0
    assert services.forget_spent(now=now + 402 * DAY) == 1
    assert not subject.age_challenges.exists()
