"""A link is made again when it has ended."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cluster.links.handshake import Trust
from cluster.links.sockets.backoff import MISFITS_MAX, Backoff
from cluster.links.sockets.dialer import Dialer, TcpAddress
from cluster.links.sockets.transport import LinkTransport
from tests.support.link_sockets import BRISK, QUEUES, Peer, is_linked, pair_of_nodes
from tests.support.linked_nodes import SECRET, LinkedNode, Slices, until


def test_a_node_that_comes_back_is_linked_again() -> None:
    async def work() -> None:
        async with pair_of_nodes() as nodes:
            await nodes["b"].stop()
            await until(nodes, lambda: nodes["a"].table.to_mirror("b") is None)
            nodes["b"] = LinkedNode("b", nodes, QUEUES, BRISK)
            await nodes["b"].listen()
            await until(nodes, lambda: is_linked(nodes))
            assert nodes["a"].dialers["b"].attempts_count > 1

    asyncio.run(work())


def test_nodes_that_do_not_understand_each_other_say_so_once_and_try_seldom(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        nodes: dict[str, LinkedNode] = {}
        for name, trust in (("a", Trust(SECRET)), ("b", Trust(b"another one"))):
            nodes[name] = LinkedNode(name, nodes, QUEUES, BRISK, trust=trust)
            await nodes[name].listen()
        nodes["a"].dial("b")
        dialer = nodes["a"].dialers["b"]
        await until(nodes, lambda: dialer._backoff.is_slow and dialer.attempts_count >= MISFITS_MAX)
        await until(nodes, lambda: any(each.levelname == "WARNING" for each in caplog.records))
        for node in nodes.values():
            await node.stop()
        assert dialer.attempts_count == MISFITS_MAX

    with caplog.at_level("INFO"):
        asyncio.run(work())
    told = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(told) == 1
    assert "does not know the secret of the cluster" in told[0].getMessage()


class _Closed(asyncio.Transport):
    """A socket that uvloop has closed by itself: it looks open, and takes nothing."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is nothing to buffer."""

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def writelines(self, list_of_data: Any) -> None:  # noqa: ANN401 -- as its base has it
        raise RuntimeError("the handler is closed")


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_connection_that_is_given_up_while_it_is_made_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        raised: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda _, context: raised.append(context))
        made: asyncio.Future[LinkTransport] = loop.create_future()

        async def never_done(make: Callable[[], LinkTransport], *_: object) -> None:
            transport = make()
            try:
                await asyncio.Event().wait()
            finally:
                transport.connection_made(_Closed())
                if not made.done():
                    made.set_result(transport)

        monkeypatch.setattr(loop, "create_connection", never_done)
        settings = replace(BRISK, handshake_ms=60_000 if is_stopped else 1)
        address = TcpAddress("127.0.0.1", 1)
        dialer = Dialer(
            loop,
            "b",
            lambda: address,
            lambda *_: Peer(is_dialer=True).link,
            settings,
            Slices(),
            backoff=Backoff(lambda: 0.5),
        )
        dialer.start()
        await asyncio.sleep(0)
        if is_stopped:
            await dialer.stop()
        transport = await made
        await transport.ended
        assert transport.link is not None
        assert transport.link.reason is not None
        await dialer.stop()
        assert not raised

    asyncio.run(work())
