"""Replication cores over real sockets: publish, commit, cut, attach anew; nothing is lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from cluster.links.settings import KIB, LinkSettings, Windows
from cluster.links.sockets.transport import LinkTransport
from cluster.replication.inputs import Compact, Grow, Shrink
from cluster.replication.state import QueueOptions, ReplicaId
from tests.support.linked_nodes import LinkedNode, until

NAMES = ("a", "b", "c")
QUEUES = {f"q{number}": QueueOptions(NAMES, 1) for number in range(4)}
SMALL = LinkSettings(
    windows=Windows(64 * KIB, 64 * KIB, 16 * KIB, 1024 * KIB, 1024 * KIB),
    piece_bytes=4 * KIB,
    held_bytes_max=32 * KIB,
)
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [
    asyncio.new_event_loop,
    uvloop.new_event_loop,
]


@asynccontextmanager
async def cluster(
    settings: LinkSettings = SMALL, path: Path | None = None
) -> AsyncIterator[dict[str, LinkedNode]]:
    """Node a leads q0 to q2, node b leads q3; all three have all."""
    nodes: dict[str, LinkedNode] = {}
    for name in NAMES:
        nodes[name] = LinkedNode(name, nodes, QUEUES, settings)
    for name, node in nodes.items():
        await node.listen(path / name if path is not None else None)
    for name, node in nodes.items():
        node.dial(*(other for other in NAMES if other != name))
    nodes["a"].lead(1, "q0", "q1", "q2")
    nodes["b"].lead(1, "q3")
    try:
        await until(nodes, lambda: all(leader_of(nodes, q).core.may_append(q) for q in QUEUES))
        yield nodes
    finally:
        for node in nodes.values():
            await node.stop()


def leader_of(nodes: dict[str, LinkedNode], queue: str) -> LinkedNode:
    return nodes["b" if queue == "q3" else "a"]


def all_is_committed(nodes: dict[str, LinkedNode]) -> bool:
    """Every leader has committed all that it has, and every mirror has it too."""
    for queue in QUEUES:
        leader = leader_of(nodes, queue)
        if leader.committed.get(queue, 0) != leader.logs[queue].end:
            return False
        if any(node.logs[queue].end != leader.logs[queue].end for node in nodes.values()):
            return False
    return True


def assert_alike(nodes: dict[str, LinkedNode], published: dict[str, list[bytes]]) -> None:
    for queue in QUEUES:
        for node in nodes.values():
            assert node.logs[queue].records[1:] == published[queue], (node.name, queue)


def records(dice: random.Random, queue: str, number: int) -> list[bytes]:
    size = dice.choice((10, 100, 3_000))
    return [
        f"{queue} {number} {each} ".encode() + b"x" * size for each in range(dice.randint(1, 8))
    ]


def run(make_loop: Callable[[], asyncio.AbstractEventLoop], work: object) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(work)  # type: ignore[arg-type]


@pytest.mark.parametrize("make_loop", LOOPS, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_runs_are_committed_on_three_nodes(
    make_loop: Callable[[], asyncio.AbstractEventLoop], kind: str, tmp_path: Path
) -> None:
    async def work() -> None:
        async with cluster(path=tmp_path if kind == "unix" else None) as nodes:
            published: dict[str, list[bytes]] = {queue: [] for queue in QUEUES}
            dice = random.Random(1)
            for number in range(200):
                queue = dice.choice(list(QUEUES))
                new = records(dice, queue, number)
                published[queue] += new
                leader_of(nodes, queue).publish(queue, new)
                if not number % 10:
                    await asyncio.sleep(0)
            await until(nodes, lambda: all_is_committed(nodes))
            assert_alike(nodes, published)

    run(make_loop, work())


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_over_connections_that_are_cut_anywhere(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    left = [dice.randint(200, 60_000)]
    cuts: list[int] = []
    whole = LinkTransport.buffer_updated

    def cut(transport: LinkTransport, nbytes: int) -> None:
        left[0] -= nbytes
        if left[0] > 0 or len(cuts) >= 12:
            whole(transport, nbytes)
            return
        # Some of the octets come, and then nothing does.
        whole(transport, nbytes + left[0])
        cuts.append(nbytes + left[0])
        transport.abort("cut")
        left[0] = dice.randint(200, 60_000)

    monkeypatch.setattr(LinkTransport, "buffer_updated", cut)

    async def work() -> None:
        async with cluster() as nodes:
            published: dict[str, list[bytes]] = {queue: [] for queue in QUEUES}
            for number in range(300):
                queue = dice.choice(list(QUEUES))
                new = records(dice, queue, number)
                published[queue] += new
                leader_of(nodes, queue).publish(queue, new)
                for _ in range(dice.choice((0, 0, 1, 5))):
                    await asyncio.sleep(0)
            await until(nodes, lambda: all_is_committed(nodes))
            assert_alike(nodes, published)
            assert len(cuts) > 3

    run(LOOPS[seed % 2], work())


def test_a_mirror_far_behind_gets_a_snapshot_and_then_the_rest() -> None:
    async def work() -> None:
        async with cluster() as nodes:
            leader, mirror = nodes["a"], nodes["c"]
            published: dict[str, list[bytes]] = {queue: [] for queue in QUEUES}
            await leader.dialers["c"].stop()
            await until(nodes, lambda: leader.table.to_mirror("c") is None)
            leader.step(Shrink("q0", ReplicaId("c", "0")))
            for number in range(100):
                new = [b"%d " % number + b"x" * 2_000]
                published["q0"] += new
                leader.publish("q0", new)
            end = leader.logs["q0"].end
            await until(nodes, lambda: leader.committed["q0"] == end)
            leader.step(Compact("q0"))
            assert leader.logs["q0"].base == end
            leader.dial("c")
            await until(nodes, lambda: leader.core.may_grow("q0", "c"))
            assert mirror.logs["q0"].installs_count == 1
            leader.step(Grow("q0", "c"))
            for _ in range(10):
                published["q0"] += [b"more"]
                leader.publish("q0", [b"more"])
            await until(nodes, lambda: all_is_committed(nodes))
            assert_alike(nodes, published)
            assert mirror.logs["q0"].installs_count == 1

    run(LOOPS[0], work())


def test_a_run_larger_than_every_window_is_committed() -> None:
    async def work() -> None:
        settings = replace(SMALL, held_bytes_max=8 * KIB)
        async with cluster(settings) as nodes:
            published: dict[str, list[bytes]] = {queue: [] for queue in QUEUES}
            for queue in QUEUES:
                new = [queue.encode() * 100_000]
                published[queue] += new
                leader_of(nodes, queue).publish(queue, new)
            await until(nodes, lambda: all_is_committed(nodes))
            assert_alike(nodes, published)

    run(LOOPS[0], work())


def test_nodes_know_how_far_the_definitions_of_the_others_are() -> None:
    async def work() -> None:
        async with cluster() as nodes:
            a = nodes["a"]
            a.table.on_seen = a.moved.set
            nodes["b"].table.tell_seen(7)
            nodes["c"].table.tell_seen(8)
            await until(nodes, lambda: a.table.have_seen(7, ("b", "c")))
            assert not a.table.have_seen(8, ("b", "c"))
            assert not a.table.have_seen(7, ("b", "nobody"))
            before = a.table.to_mirror("b")
            nodes["b"].table.close("a test")
            await until(nodes, lambda: a.table.to_mirror("b") not in {before, None})
            # A new connection begins with what the node has told before.
            await until(nodes, lambda: a.table.have_seen(7, ("b",)))

    run(LOOPS[0], work())
