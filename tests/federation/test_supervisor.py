"""Which links run, and when they come and go."""

import pytest

from amqp_server.broker import events
from amqp_server.federation import supervisor
from tests.support.federated import (
    declare_exchange,
    federate,
    put_upstream,
    statuses,
    stop_federating,
)
from tests.support.live_node import LiveNode, until
from tests.support.loops import Run


def test_a_restart_connects_anew(run: Run) -> None:
    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down)
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            (held,) = down.broker.federation.all()
            assert not down.broker.federation.restart("/", "none")
            assert down.broker.federation.restart("/", held.link.id)
            assert statuses(down) == ["starting"]
            await until(lambda: statuses(down) == ["running"])
            assert len(up.vhost.queues) == 1

    run(scene())


def test_no_more_run_than_may(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LINKS_MAX", 1)

    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            for name in ("fed.1", "fed.2"):
                declare_exchange(down, name)
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: sorted(statuses(down)) == ["error", "running"])
            (held,) = [held for held in down.broker.federation.all() if held.error]
            assert held.error == "1 links run already"
            federate(down, "^fed.2")
            await until(lambda: statuses(down) == ["running"])

    run(scene())


def test_exchanges_and_bindings_are_heard_of_only_while_some_are_federated(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[events.EventKind] = []

    class Seen(events.Event):
        def __init__(self, kind: events.EventKind, *_args: object) -> None:
            made.append(kind)

    monkeypatch.setattr(events, "Event", Seen)

    async def scene() -> None:
        async with LiveNode(name="up") as up, LiveNode(name="down") as down:
            declare_exchange(down, "fed.0")
            assert made == []
            put_upstream(down, up.uri)
            federate(down)
            await until(lambda: statuses(down) == ["running"])
            declare_exchange(down, "fed.1")
            await until(lambda: statuses(down) == ["running"] * 2)
            assert events.EventKind.EXCHANGE_CREATED in made
            stop_federating(down)
            await until(lambda: not statuses(down))
            made.clear()
            declare_exchange(down, "fed.2")
            assert made == []

    run(scene())
