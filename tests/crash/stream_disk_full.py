"""``python -m tests.crash.stream_disk_full FOLDER``: publish to streams until a small disk is full.

FOLDER is on a file system of 50 to 200 MB that nobody else uses, for example a tmpfs. A cycle: a
filler leaves little room; publishers of both protocols use it up. Then either the filler goes away
and publishers must go on, or the node is killed while it is full. In the end all that was confirmed
must be there: ``tests.crash.stream_ledger``.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from tests.crash.link import Link, LinkLostError
from tests.crash.stream_kill_loop import StreamNode
from tests.crash.stream_ledger import now_ms
from tests.crash.stream_link import StreamLink
from tests.crash.stream_publishers import AmqpPublisher, Identity, StreamPublisher
from tests.crash.stream_session import PLAIN, SMALL, Run

LIMIT: Final = "broker: {{disk_free_limit_bytes: {limit_bytes}}}\n"
ROOM_BYTES: Final = 12 << 20
STILL_MS: Final = 2_000
"""Without a confirm for so long, publishers are blocked."""
GO_ON_TIMEOUT_S: Final = 30.0
_POLL_S: Final = 0.1


class DiskFull:
    """Cycles on one small file system.

    Args:
        folder: on it, and empty.
        seed: of the choices.
        limit_bytes: where the disk alarm begins; 0 has only refused writes trip it.
    """

    def __init__(self, folder: Path, seed: int, limit_bytes: int) -> None:
        self._chance = random.Random(seed)
        self._filler = folder / "filler"
        self._limit_bytes = limit_bytes
        home = Path(tempfile.mkdtemp(prefix="haremq-disk-full-"))
        self._node = StreamNode(home, "fsync", more=LIMIT.format(limit_bytes=limit_bytes))
        self._node.data = folder / "data"
        self._run = Run(self._node.port, self._node.stream_port, self._chance, grace_ms=1_000)
        self._identities: list[Identity] = []

    async def run(self, cycles: int) -> list[str]:
        """Run cycles; return what is wrong."""
        self._node.start()
        try:
            self._node.wait_until_ready()
            self._run.declare()
            for cycle in range(1, cycles + 1):
                ledgers = self._run.ledgers
                self._identities = [Identity(ledgers[name], "full") for name in (PLAIN, SMALL)]
                wrong = await self._cycle(cycle)
                if wrong:
                    return wrong
                await self._run.renew()
        finally:
            self._node.stop()
        return []

    async def _cycle(self, cycle: int) -> list[str]:
        self._fill()
        tasks = self._publish()
        await self._wait_until_still()
        is_killed_full = self._chance.random() < 0.5
        print(f"cycle={cycle} full confirmed={self._run.counts()[0]}", flush=True)
        if not is_killed_full:
            self._filler.unlink()
            await self._wait_until_more()
        self._node.kill()
        await asyncio.gather(*tasks)
        self._node.start()
        self._node.wait_until_ready()
        if is_killed_full:
            wrong = await self._run.judge()
            self._filler.unlink()
            tasks = self._publish()
            await self._wait_until_more()
            self._node.kill()
            await asyncio.gather(*tasks)
            self._node.start()
            self._node.wait_until_ready()
            if wrong:
                return wrong
        wrong = await self._run.judge()
        confirmed, read = self._run.counts()
        print(
            f"cycle={cycle} {is_killed_full=} {confirmed=} {read=} wrong={len(wrong)}", flush=True
        )
        return wrong

    def _fill(self) -> None:
        state = os.statvfs(self._filler.parent)
        room_bytes = self._limit_bytes + self._chance.randint(ROOM_BYTES // 4, ROOM_BYTES)
        with self._filler.open("wb") as file:
            os.posix_fallocate(
                file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - room_bytes)
            )

    def _publish(self) -> list[asyncio.Task[None]]:
        works: list[Awaitable[None]] = []
        for identity in self._identities:
            works.append(_work(self._stream(StreamPublisher(identity, self._chance).run)))
            publisher = AmqpPublisher(identity.ledger, self._chance)
            works.append(_work(self._amqp(publisher.run)))
        return [asyncio.ensure_future(work) for work in works]

    async def _amqp(self, work: Callable[[Link], Awaitable[None]]) -> None:
        await work(await Link.open(self._node.port))

    async def _stream(self, work: Callable[[StreamLink], Awaitable[None]]) -> None:
        await work(await StreamLink.open(self._node.stream_port))

    async def _wait_until_still(self) -> None:
        before, since_ms = -1, now_ms()
        while now_ms() - since_ms < STILL_MS:
            await asyncio.sleep(_POLL_S)
            confirmed, _ = self._run.counts()
            if confirmed != before:
                before, since_ms = confirmed, now_ms()

    async def _wait_until_more(self) -> None:
        before, _ = self._run.counts()
        async with asyncio.timeout(GO_ON_TIMEOUT_S):
            while self._run.counts()[0] <= before:
                await asyncio.sleep(_POLL_S)


async def _work(work: Awaitable[None]) -> None:
    with contextlib.suppress(LinkLostError):
        await work


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return 1 where a fault was found."""
    program = "python -m tests.crash.stream_disk_full"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("folder", type=Path, help="on a small file system")
    parser.add_argument("--cycles", type=int, default=6, help="how often it is full; 6")
    parser.add_argument("--limit-bytes", type=int, default=0, help="where the alarm begins; 0")
    parser.add_argument("--seed", type=int, help="of the choices; a new one each time")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    folder: Path = options.folder / "haremq"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    print(f"{seed=}", flush=True)
    wrong = asyncio.run(DiskFull(folder, seed, options.limit_bytes).run(options.cycles))
    print("\n".join(wrong) or "valid")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
