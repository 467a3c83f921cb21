"""The process that renews a lease, as its node sees it."""

import asyncio
import os
import signal

import pytest

from tests.support.etcd_server import EtcdServer
from tests.support.leased_node import running


@pytest.mark.timeout(180)
def test_a_process_that_is_killed_or_hangs_is_started_again(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "killed") as node:
            child, heard = node.liveness.child, node.heard
            for number, ending in enumerate((signal.SIGKILL, signal.SIGSTOP), start=2):
                heard.renewals.clear()
                os.kill(child.pid, ending)
                await heard.until(lambda: len(heard.renewals) > 1)
                assert child.starts_count >= number

    asyncio.run(work())


@pytest.mark.timeout(180)
def test_its_process_ends_with_it(etcd: EtcdServer) -> None:
    async def work() -> None:
        async with running(etcd, "ends") as node:
            pid = node.liveness.child.pid
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(work())
