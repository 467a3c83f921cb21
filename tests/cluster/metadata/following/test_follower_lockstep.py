"""Random changes, compactions, cut watches and restarts: the copy is the store in the end."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.metadata.local import LocalStore, open_local_store
from cluster.metadata.memory import MemoryStore
from tests.support.fault_fs import FaultFS
from tests.support.following import following
from tests.support.following_scripts import Step, play, step
from tests.support.metadata_contract import Rig


@settings(max_examples=60)
@given(st.lists(step, min_size=15, max_size=50))
def test_in_memory(steps: list[Step]) -> None:
    async def run() -> None:
        memory = MemoryStore(lambda: 0)

        async def compact(revision: int) -> None:
            memory.compact(revision)

        async def end_of(_: object) -> None:
            """No lease ends here."""

        async with following(Rig(memory, b"/p/", end_of, compact)) as each:
            await play(each, steps, lambda: memory)

    asyncio.run(run())


@settings(max_examples=40)
@given(st.lists(step, min_size=15, max_size=50))
def test_on_a_disk(steps: list[Step]) -> None:
    async def run() -> None:
        disk = FaultFS()
        salts = iter(range(1, 1_000))
        opened: list[LocalStore] = []

        def restart() -> LocalStore:
            nonlocal disk
            disk = disk.killed() if opened else disk
            opened.append(open_local_store(disk, lambda: 0, lambda: next(salts)))
            return opened[-1]

        async def compact(revision: int) -> None:
            opened[-1].contents.compact(revision)

        async def end_of(_: object) -> None:
            """No lease ends here."""

        async with following(Rig(restart(), b"/p/", end_of, compact)) as each:
            await play(each, steps, restart)

    asyncio.run(run())
