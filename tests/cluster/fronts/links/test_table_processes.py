"""Two processes: one is killed in the middle of a large message, and another takes its place."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from cluster.fronts.frames import Confirmed, Deliver
from cluster.links.settings import KIB, MIB
from cluster.links.sockets.dialer import TcpAddress
from tests.support.front_nodes import FrontNode, link_or_none, until
from tests.support.front_pair import publish, run_of


class Elsewhere:
    """The node that leads, for who dials it."""

    def __init__(self) -> None:
        self.addresses: tuple[TcpAddress, ...] = ()
        self.moved = asyncio.Event()


async def started(leader: Elsewhere) -> Process:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.front_program", stdin=PIPE, stdout=PIPE
    )
    assert program.stdout is not None
    leader.addresses = (TcpAddress("127.0.0.1", int(await program.stdout.readline())),)
    return program


def test_a_leader_is_killed_in_the_middle_of_a_large_message() -> None:
    async def work() -> None:
        nodes: dict[str, FrontNode] = {}
        a = FrontNode("a", nodes)
        leader = Elsewhere()
        nodes["b"] = leader  # type: ignore[assignment]
        program = await started(leader)
        a.dialing.reach("b")
        await until(nodes, lambda: link_or_none(a, "b") is not None)
        link = link_or_none(a, "b")
        assert link is not None
        link.put(publish("q", 1, 100, 50))
        link.put(publish("large", 1, 1, 64 * MIB))
        await until(nodes, lambda: Confirmed("q", 100) in a.frames)
        assert link.waiting_count
        program.kill()
        await program.wait()
        await until(nodes, lambda: ("leader ended", "b") in a.heard)
        assert not [frame for frame in a.frames if frame.queue == "large"]
        assert link.waiting_bytes == 0

        program = await started(leader)
        await until(nodes, lambda: link_or_none(a, "b") is not None)
        newer = link_or_none(a, "b")
        assert newer is not None
        newer.put(publish("large", 1, 1, 300 * KIB))
        await until(nodes, lambda: Confirmed("large", 1) in a.frames)
        [found] = [f for f in a.frames if isinstance(f, Deliver) and f.queue == "large"]
        assert list(found.batch.records) == list(run_of(1, 300 * KIB))
        await a.stop()
        assert program.stdin is not None
        program.stdin.close()
        await program.wait()

    asyncio.run(work())
