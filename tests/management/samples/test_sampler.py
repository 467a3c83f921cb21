"""Looks at the counters: what moved, what came and what went."""

import asyncio

import pytest
from pamqp import commands

from management.samples import sampler as sampler_module
from management.samples import series
from management.samples.details import rate_of
from management.samples.sampler import IDLE_MS, Sampler
from tests.support.management_api import Api


def look(api: Api, after_ms: int = 5_000) -> Sampler:
    api.look(after_ms)
    return api.management.services.sampler


def test_samples_that_nobody_took_yet_are_of_times_that_there_were(api: Api) -> None:
    """They were before 1970, and a client of unsigned numbers could not read the answer."""
    query = "lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5"
    samples = api.get(f"overview?{query}").json["queue_totals"]["messages_details"]["samples"]
    now_ms = api.broker.wall_ms(api.node.now_ms)
    assert [each["timestamp"] for each in samples][:2] == [now_ms, now_ms - 5_000]


def test_what_a_client_does_is_seen_in_all_of_its_things(api: Api) -> None:
    look(api)
    peer = api.node.open()
    peer.declare()
    for _ in range(10):
        peer.publish(b"x", routing_key="jobs")
    sampler = look(api)
    publish = series.QUEUE_STATS["publish"]
    assert rate_of(sampler.queues["/", "jobs"], publish, sampler.looks) == 2.0
    assert rate_of(sampler.totals, series.TOTALS_STATS["publish"], sampler.looks) == 2.0
    assert rate_of(sampler.vhosts["/"], series.TOTALS_STATS["publish"], sampler.looks) == 2.0
    assert rate_of(sampler.exchanges["/", ""], (0,), sampler.looks) == 2.0
    [channel] = sampler.channels.values()
    assert rate_of(channel, series.CHANNEL_STATS["publish"], sampler.looks) == 2.0
    [connection] = sampler.connections.values()
    assert rate_of(connection, series.TRAFFIC["recv_oct"], sampler.looks) > 0
    sampler = look(api)
    assert rate_of(sampler.queues["/", "jobs"], publish, sampler.looks) == 0.0


def test_what_was_counted_before_the_first_look_is_no_growth(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    peer.publish(b"x", routing_key="jobs")
    sampler = look(api)
    assert rate_of(sampler.queues["/", "jobs"], (2,), sampler.looks) == 0.0
    assert sampler.queues["/", "jobs"].at(2, sampler.looks.last_ms) == 1


def test_what_is_gone_is_forgotten(api: Api) -> None:
    api.broker.add_vhost("w")
    peer = api.node.open()
    peer.declare()
    sampler = look(api)
    assert "w" in sampler.vhosts
    api.put("users/eve", {"tags": ""})
    api.delete("vhosts/w")
    peer.send(commands.Connection.Close, 0, reply_code=200, reply_text="bye")
    sampler = look(api)
    assert list(sampler.vhosts) == ["/"]
    assert sampler.channels == {}


def test_an_idle_queue_costs_no_points(api: Api) -> None:
    look(api)
    peer = api.node.open()
    peer.declare()
    peer.publish(b"x", routing_key="jobs")
    assert look(api).queues["/", "jobs"].points_count == 1
    assert look(api, IDLE_MS + 1).queues["/", "jobs"].points_count == 0
    assert api.management.services.sampler.queues["/", "jobs"].last[2] == 1


def test_a_look_that_fails_is_logged_and_the_next_one_comes(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sampler = api.management.services.sampler
    looks: list[int] = []

    async def fail() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise asyncio.CancelledError
        raise ValueError("a bug")

    monkeypatch.setattr(sampler, "look", fail)
    monkeypatch.setattr(sampler_module, "PERIOD_MS", 0)
    with pytest.raises(asyncio.CancelledError):
        api._runner.run(sampler.run())
    assert "a look at the counters failed" in caplog.text
