"""What each tier may be shown is counted, exported, and an alarm when it runs out."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from compliance.labels import pools
from compliance.labels.tasks import watch_pools
from compliance.serving.door import serve
from compliance.serving.types import Context
from compliance.statements.models import Kind
from compliance.subjects.models import Tier
from ranking.catalogue.models import Item
from tests.compliance.statements.test_serving import restrict
from tests.conftest import World


def pool_of(world: World, tier: str, surface: str = "home") -> pools.Pool:
    """One tier's pool, counted now."""
    found = pools.count_pools(service=world.service, now=timezone.now())
    return next(pool for pool in found if (pool.tier, pool.surface) == (tier, surface))


def scraped(client: Client, name: str) -> dict[str, float]:
    """One metric's values by their labels."""
    lines = client.get("/metrics").content.decode().splitlines()
    return {
        line.rpartition(" ")[0].removeprefix(name): float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(f"{name}{{")
    }


def test_a_pool_is_what_the_tier_may_be_shown(world: World) -> None:
    audiences = {"child": ["child"], "young_teen": ["child", "young_teen"], "teen": ["child", "young_teen", "teen"]}
    for tier, seen in audiences.items():
        items = Item.objects.filter(service=world.service, suitable_from__in=seen, is_active=True)
        assert pool_of(world, tier).items == items.count() > 0
    assert pool_of(world, Tier.UNKNOWN).items == pool_of(world, Tier.CHILD).items
    assert pool_of(world, Tier.ADULT).items == Item.objects.filter(service=world.service, is_active=True).count()


def test_what_is_relabelled_or_withdrawn_leaves_the_pool(world: World) -> None:
    before = pool_of(world, Tier.CHILD).items
    one, other = Item.objects.filter(suitable_from="child").order_by("id")[:2]
    Item.objects.filter(pk=one.pk).update(suitable_from="adult")
    Item.objects.filter(pk=other.pk).update(is_active=False)
    assert pool_of(world, Tier.CHILD).items == before - 2


def test_what_a_decision_removes_leaves_the_pool_of_those_it_is_for(world: World) -> None:
    before = {tier: pool_of(world, tier).items for tier in Tier.values}
    one, other = Item.objects.filter(suitable_from="child").order_by("id")[:2]
    restrict(world, one.pk, kind=Kind.REMOVED, amount=None)
    restrict(world, other.pk, kind=Kind.AGE_RESTRICTED, amount=None, tiers=(Tier.CHILD,))
    gone = {tier: before[tier] - pool_of(world, tier).items for tier in Tier.values}
    assert gone == {Tier.CHILD: 2, Tier.YOUNG_TEEN: 1, Tier.TEEN: 1, Tier.ADULT: 1, Tier.UNKNOWN: 2}


def test_freshness_is_told(world: World) -> None:
    now = timezone.now()
    child = Item.objects.filter(suitable_from="child").order_by("id")
    child.update(published_at=now - timedelta(days=400))
    assert pool_of(world, Tier.CHILD).fresh == 0
    Item.objects.filter(pk=child[0].pk).update(published_at=now - timedelta(hours=2))
    pool = pool_of(world, Tier.CHILD)
    assert pool.fresh == 1
    assert pool.newest_age_s == pytest.approx(7200, abs=60)


def test_a_pool_that_runs_out_is_an_alarm_that_names_it(
    world: World, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.LABEL_POOL_LIST = 20
    with caplog.at_level(logging.ERROR, logger="compliance.labels.pools"):
        assert watch_pools() == 0
        assert caplog.text == ""
        Item.objects.filter(suitable_from="child").update(suitable_from="adult")
        assert watch_pools() == 4  # children, and those of unknown age, on two surfaces
    assert "On home, child may be shown 0 items, and 40 are needed" in caplog.text
    assert pool_of(world, Tier.CHILD).newest_age_s is None


def test_pools_and_short_lists_are_in_the_metrics(world: World, client: Client, settings: Any) -> None:
    watch_pools()
    items = scraped(client, "clerestory_pool_items")
    assert items['{surface="home",tier="child"}'] == pool_of(world, Tier.CHILD).items
    assert scraped(client, "clerestory_pool_needed_items")['{surface="home",tier="child"}'] == 48
    kim, noon = world.subject("kim"), timezone.now().replace(hour=12)
    assert serve(subject=kim, context=Context(surface="home", now=noon)).shortfall == ""
    assert scraped(client, "clerestory_short_lists_total") == {}
    few = Item.objects.filter(suitable_from="child").order_by("id").values("id")[:3]
    Item.objects.filter(suitable_from="child").exclude(id__in=few).update(suitable_from="adult")
    assert serve(subject=kim, context=Context(surface="home", now=noon)).shortfall != ""
    assert scraped(client, "clerestory_short_lists_total") == {'{surface="home",tier="child"}': 1.0}


def test_the_threshold_is_a_setting(world: World, settings: Any) -> None:
    settings.LABEL_POOL_LIST = 5
    assert pool_of(world, Tier.CHILD).needed == 10
    assert not pool_of(world, Tier.CHILD).too_small
