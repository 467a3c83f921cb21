"""What a link makes at its upstream: its names, and when it goes."""

import pytest

from amqp_server.broker.federation.links import Link
from amqp_server.broker.federation.upstream import made_upstream
from amqp_server.federation.upstream_exchange import queue_name
from amqp_server.shovels.errors import RemoteError
from tests.support.federated import (
    declare_exchange,
    federate,
    put_upstream,
    statuses,
    stop_federating,
)
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


def test_what_was_made_there_goes_with_the_policy(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            stop_federating(down)
            await until(lambda: statuses(down) == [])
            await until(lambda: len(up.vhost.queues) == 0)
            await until(lambda: not up.vhost.exchanges.exists("federation: fed.x -> down A"))
            assert up.vhost.exchanges.exists("fed.x")

    run(scene())


def test_it_stays_where_the_upstream_says_so_or_only_a_number_changed(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            put_upstream(down, up.uri, resource_cleanup_mode="never")
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            stop_federating(down)
            await until(lambda: up.broker.count_connections() == 0)
            assert len(up.vhost.queues) == 1
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            assert up.vhost.exchanges.exists("federation: fed.x -> down B")
            assert not up.vhost.exchanges.exists("federation: fed.x -> down A")

    run(scene())


def link(**value: object) -> Link:
    return Link("/", "exchange", "x", made_upstream("u", {"uri": "amqp://a", **value}, {}), "p")


def test_the_queue_is_named_after_all_that_tells_it_from_others() -> None:
    assert queue_name(link(), "/", "us") == "federation: x -> us"
    assert queue_name(link(exchange="y"), "/", "us") == "federation: y -> us:x"
    assert queue_name(link(), "v", "us") == "federation: x -> us:/:x"
    with pytest.raises(RemoteError):
        queue_name(link(exchange="y" * 250), "/", "us")
