"""Messages on their way, and what became of them on its way back."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pamqp import commands

from amqp_server.federation.relay import Relay
from amqp_server.shovels.connection import OutwardConnection
from amqp_server.shovels.errors import RemoteError
from amqp_server.shovels.incoming import Delivery
from amqp_server.wire.errors import MethodSyntaxError
from tests.support.loops import Run


class FakeEnd(SimpleNamespace):
    """A connection that notes what is written and published."""

    def __init__(self) -> None:
        super().__init__(written=[], published=[], called=[], drained=0)

    async def call(self, _kind: object, method: object) -> None:
        self.called.append(method)

    def write(self, method: object) -> None:
        self.written.append(method)

    def publish(self, *given: object, mandatory: bool) -> None:
        self.published.append((*given, mandatory))

    async def drain(self) -> None:
        """Wait for nothing."""
        self.drained += 1


def header_of(message: Delivery) -> bytes | None:
    if message.body == b"broken":
        raise MethodSyntaxError("no properties")
    return None if message.body == b"drop" else b"header"


async def begun(mode: str) -> tuple[Any, Any, list[int]]:
    upstream, here, taken = FakeEnd(), FakeEnd(), list[int]()
    relay = Relay(
        cast("OutwardConnection", upstream),
        cast("OutwardConnection", here),
        mode,
        target=lambda message: ("x", message.routing_key),
        header=header_of,
        must_arrive=True,
        on_taken=taken.append,
    )
    await relay.begin()
    return upstream, here, taken


def deliver(upstream: Any, *tags: int, body: bytes = b"b") -> None:  # noqa: ANN401 - a fake
    for tag in tags:
        upstream.on_delivery(Delivery(tag, "e", "k", b"", body))


def test_a_confirm_acks_what_it_stands_for(run: Run) -> None:
    async def scene() -> None:
        upstream, here, taken = await begun("on-confirm")
        deliver(upstream, 11, 12, 13, 14)
        assert here.published[0] == ("x", "k", b"header", b"b", True)
        assert upstream.written == []
        here.on_settled(2, True, True)
        here.on_settled(4, False, True)
        here.on_settled(9, True, True)
        acks = [(each.delivery_tag, each.multiple) for each in upstream.written]
        assert acks == [(12, True), (14, False), (13, True)]
        assert taken == [2, 1, 1]

    run(scene())


def test_what_is_refused_goes_back_and_what_may_not_go_on_is_acked(run: Run) -> None:
    async def scene() -> None:
        upstream, here, _ = await begun("on-confirm")
        deliver(upstream, 1, 2)
        here.on_settled(2, True, False)
        assert [(each.delivery_tag, each.requeue) for each in upstream.written] == [
            (1, True),
            (2, True),
        ]
        await upstream.after_reading()
        assert (upstream.drained, here.drained) == (1, 1), "neither end's buffer grows"
        deliver(upstream, 3, body=b"drop")
        assert isinstance(upstream.written[-1], commands.Basic.Ack)
        assert len(here.published) == 2

    run(scene())


@pytest.mark.parametrize(("mode", "acks"), [("on-publish", [(2, True)]), ("no-ack", [])])
def test_without_confirms_they_are_done_when_they_are_written(
    run: Run, mode: str, acks: list[tuple[int, bool]]
) -> None:
    async def scene() -> None:
        upstream, here, taken = await begun(mode)
        deliver(upstream, 1, 2)
        await upstream.after_reading()
        assert [(each.delivery_tag, each.multiple) for each in upstream.written] == acks
        assert (taken, here.called) == ([2], [])

    run(scene())


def test_what_is_no_message_ends_the_link(run: Run) -> None:
    async def scene() -> None:
        upstream, here, _ = await begun("on-confirm")
        with pytest.raises(RemoteError):
            deliver(upstream, 1, body=b"broken")
        with pytest.raises(RemoteError):
            here.on_unroutable()

    run(scene())
