"""A link of an exchange between real sockets: what comes over it, and what the upstream has."""

import pytest

from amqp_server.federation import upstream_exchange
from tests.support.federated import (
    bind,
    declare_exchange,
    federate,
    mirrored_keys,
    publish,
    put_upstream,
    statuses,
    unbind,
)
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


@pytest.mark.parametrize("mode", ["on-confirm", "on-publish", "no-ack"])
def test_what_the_bindings_here_match_comes_from_the_upstream(run: Run, mode: str) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            down.declare("q")
            bind(down, "q", "a.#")
            put_upstream(down, up.uri, ack_mode=mode, prefetch_count=20)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            bodies = [str(number).encode() for number in range(300)]
            publish(up, "a.b", *bodies)
            publish(up, "other", b"not for here")
            await until(lambda: down.ready("q") == 300)
            assert down.bodies("q") == bodies
            queue = up.vhost.queues.get("federation: fed.x -> down", None)
            await until(lambda: not queue.engine.counts().unacked_count)

    run(scene())


def test_bindings_come_and_go_at_the_upstream(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            for name in ("q1", "q2"):
                down.declare(name)
                bind(down, name, "both")
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            assert mirrored_keys(up) == ["both"]
            bind(down, "q1", "new")
            await until(lambda: mirrored_keys(up) == ["both", "new"])
            unbind(down, "q1", "both")
            unbind(down, "q1", "new")
            await until(lambda: mirrored_keys(up) == ["both"])
            unbind(down, "q2", "both")
            await until(lambda: mirrored_keys(up) == [])

    run(scene())


def test_ten_thousand_bindings_are_mirrored(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            down.declare("q")
            for number in range(10_000):
                bind(down, "q", str(number))
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            assert len(mirrored_keys(up)) == 10_000

    run(scene())


def test_an_upstream_without_the_type_gets_a_fanout(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream_exchange, "TYPE", "x-unknown-upstream")

    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            down.declare("q")
            bind(down, "q", "k")
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            made = up.vhost.exchanges.get("federation: fed.x -> down A")
            assert (made.type, made.internal, made.auto_delete) == ("fanout", True, True)
            publish(up, "k", b"x")
            await until(lambda: down.ready("q") == 1)

    run(scene())


def test_messages_do_not_run_in_circles(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="one") as one, LiveNode(name="two") as two:
            for node, other in ((one, two), (two, one)):
                declare_exchange(node)
                node.declare("q")
                bind(node, "q", "#")
                put_upstream(node, other.uri, max_hops=5)
            for node in (one, two):
                federate(node)
            await until(lambda: statuses(one) == statuses(two) == ["running"])
            publish(one, "k", b"1")
            publish(two, "k", b"2")
            await until(lambda: one.ready("q") == two.ready("q") == 2)
            publish(one, "k", b"3")
            await until(lambda: two.ready("q") == 3)
            assert sorted(two.bodies("q")) == [b"1", b"2", b"3"]
            await until(lambda: one.ready("q") == 3)

    run(scene())
