"""The front links of a node, over sockets: what arrives, and who hears of what once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from cluster.fronts.frames import Close, Confirmed, Deliver, Open, Publish
from cluster.fronts.links.connection import FrontLink
from cluster.fronts.links.encoding import Frame
from cluster.links.handshake import Trust
from cluster.links.settings import KIB, MIB, LinkSettings
from cluster.links.sockets.dialer import TcpAddress
from queues.batch import Batch
from tests.support.certificates import Authority
from tests.support.front_nodes import FrontNode, link_of, until
from tests.support.front_pair import deliver, publish, run_of
from tests.support.node_contexts import contexts

BRISK = LinkSettings(heartbeat_ms=20, silence_ms=1_500, handshake_ms=1_500, stall_ms=800)
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def until_large(link: FrontLink) -> None:
    """Wait until a part of a large message is there."""
    for _ in range(100_000):
        if link._large:
            return
        await asyncio.sleep(0)
    pytest.fail("nothing of it came")


def run(work: object, make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(work)  # type: ignore[arg-type]


async def stop(nodes: dict[str, FrontNode]) -> None:
    for node in nodes.values():
        await node.stop()


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("kind", ["tcp", "unix", "tls"])
def test_what_is_published_is_delivered_over_each_kind_of_socket(
    make_loop: Callable[[], asyncio.AbstractEventLoop], kind: str, tmp_path: Path
) -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        authority = Authority()
        trust = Trust(b"", needs_certificate=True) if kind == "tls" else Trust(b"secret")
        for name in "ab":
            tls = contexts(tmp_path, name, authority) if kind == "tls" else None
            node = FrontNode(name, nodes, BRISK, tls=tls, trust=trust)
            await node.listen(tmp_path / name if kind == "unix" else None)
        if nodes["a"].tls is not None:
            # A dialer shows its own certificate: its own context, for the other's address.
            [address] = nodes["b"].addresses
            assert isinstance(address, TcpAddress)
            nodes["b"].addresses = (replace(address, tls=nodes["a"].tls[1]),)

        def deliver_back(link: FrontLink, frame: Frame) -> None:
            if isinstance(frame, Publish):
                places = range(frame.first, frame.first + len(frame.run))
                link.put(Deliver(frame.queue, (1,), Batch(places, frame.run)))
                link.put(Confirmed(frame.queue, places[-1]))

        nodes["b"].answer = deliver_back
        link = await link_of(nodes, "a", "b")
        for number in range(40):
            link.put(publish(f"q{number % 4}", 1 + 100 * number, 100, 10 * number))
        link.put(publish("q0", 5_000, 1, 3 * MIB))
        await until(nodes, lambda: len(nodes["a"].frames) >= 82)
        batches = [frame for frame in nodes["a"].frames if isinstance(frame, Deliver)]
        messages = sum(len(frame.batch) for frame in batches)
        assert messages == 4_001
        assert list(batches[-1].batch.records) == list(run_of(1, 3 * MIB))
        await stop(nodes)
        assert nodes["a"].heard == [("leader opened", "b"), ("leader ended", "b")]
        assert nodes["b"].heard == [("front opened", "a"), ("front ended", "a")]

    run(work(), make_loop)


def test_a_newer_connection_takes_the_place_of_an_older() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK).listen()
        again: dict[str, FrontNode] = {"b": nodes["b"]}
        older = await link_of(nodes, "a", "b")
        newer_node = FrontNode("a", again, BRISK)
        newer = await link_of(again, "a", "b")
        await until(nodes | {"again": newer_node}, lambda: older.reason is not None)
        assert older.reason == "the other node says: a newer connection takes its place"
        assert newer.reason is None
        assert nodes["b"].heard[:3] == [
            ("front opened", "a"),
            ("front ended", "a"),
            ("front opened", "a"),
        ]
        assert nodes["a"].heard[:2] == [("leader opened", "b"), ("leader ended", "b")]
        await stop(nodes | {"again": newer_node})
        assert nodes["b"].table.from_front("a") is None

    run(work())


def test_both_directions_between_two_nodes_are_two_links() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK).listen()
        ab, ba = await link_of(nodes, "a", "b"), await link_of(nodes, "b", "a")
        assert ab is not ba
        ab.put(Open("of b", 1, 1))
        ba.put(Open("of a", 1, 1))
        await until(nodes, lambda: bool(nodes["a"].frames and nodes["b"].frames))
        assert nodes["a"].frames == [Open("of a", 1, 1)]
        assert nodes["b"].frames == [Open("of b", 1, 1)]
        nodes["a"].table.close("it is time")
        assert ab.reason == "it is time"
        await stop(nodes)

    run(work())


def test_a_front_that_never_reads_fills_no_memory_and_is_given_up() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "abc":
            await FrontNode(name, nodes, replace(BRISK, silence_ms=20_000)).listen()
        await link_of(nodes, "a", "b")
        other = await link_of(nodes, "c", "b")
        reading = nodes["a"].dialing._dialers["b"].transport
        assert reading is not None
        assert reading._transport is not None
        reading._transport.pause_reading()
        to_a = nodes["b"].table.from_front("a")
        assert to_a is not None
        number = 0
        while to_a.reason is None:
            number += 1
            while not to_a.is_shut(f"q{number % 3}"):
                to_a.put(deliver(f"q{number % 3}", number, 10, 10 * KIB))
            assert to_a.waiting_bytes <= 17 * MIB
            await asyncio.sleep(0)
            if number == 50:
                other.put(Close("beside it"))
        assert "reads nothing" in to_a.reason
        await until(nodes, lambda: Close("beside it") in nodes["b"].frames)
        assert nodes["b"].table._room.total_bytes == 0
        assert other.reason is None
        assert ("front ended", "a") in nodes["b"].heard
        await stop(nodes)

    run(work())


def test_a_kill_in_the_middle_of_a_large_message_leaves_nothing_behind() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "ab":
            await FrontNode(name, nodes, BRISK).listen()
        link = await link_of(nodes, "a", "b")
        link.put(publish("q", 1, 1, 48 * MIB))
        at_b = nodes["b"].table.from_front("a")
        assert at_b is not None
        await until_large(at_b)
        dialer = nodes["a"].dialing._dialers["b"]
        assert dialer.transport is not None
        dialer.transport.abort("killed")
        await until(nodes, lambda: ("front ended", "a") in nodes["b"].heard)
        assert not at_b._large
        assert nodes["b"].frames == []
        # The front dials again, and what it submits again arrives.
        newer = await link_of(nodes, "a", "b")
        newer.put(publish("q", 1, 1, MIB))
        await until(nodes, lambda: bool(nodes["b"].frames))
        await stop(nodes)

    run(work())


def test_a_flood_of_small_frames_is_worked_on_in_slices() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        for name in "abc":
            await FrontNode(name, nodes, replace(BRISK, silence_ms=20_000)).listen()
        flood, other = await link_of(nodes, "a", "b"), await link_of(nodes, "c", "b")
        for _ in range(50_000):
            flood.put(Close("nothing here"))
        other.put(Close("beside the flood"))
        await until(nodes, lambda: Close("beside the flood") in nodes["b"].frames)
        assert len(nodes["b"].frames) < 50_000
        await until(nodes, lambda: len(nodes["b"].frames) == 50_001)
        await stop(nodes)

    run(work())
