"""A cluster's node as a process of its own, which a test kills and stops.

    python -m tests.support.cluster_program NAME FOLDER ETCD_URL CLUSTER

It says its port and then answers lines of JSON: ``{"number": 7}`` submits a message, and the
answer says whether it was confirmed; ``{}`` asks what the queue held here when it began to lead.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from cluster.mirrored.submitting import submit
from cluster.replication.core import NotServingError
from cluster.replication.publishers import Front, Submission
from queues.commits import is_safe, wait_for
from tests.support.etcd_server import EtcdServer
from tests.support.mirrored_machine import NOW_MS
from tests.support.records import record
from tests.support.running_cluster import Running

QUEUE_ID = "q1"
FRONT = Front("p", 1)


class Program:
    """One process."""

    def __init__(self, running: Running) -> None:
        self.running = running

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked = json.loads(line)
            answer = await self.submit(asked["number"]) if asked else self.state()
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def submit(self, number: int) -> dict[str, Any]:
        served = self.running.broker.queues.get(QUEUE_ID)
        if served is None:
            return {"confirmed": False}
        run = [record(b"%d" % number, persistent=True)]
        try:
            taken = submit(served.log, served.engine, Submission(FRONT, number, 1, 0), run, NOW_MS)
        except NotServingError:
            return {"confirmed": False}
        decided = asyncio.get_running_loop().create_future()
        wait_for(taken.safe_at, lambda: decided.set_result(is_safe(taken.safe_at)))
        self.running.node.shell.carry_out()
        return {"confirmed": await decided and number in taken.in_log}

    def state(self) -> dict[str, Any]:
        """Say what is led here, and what the queue began with."""
        served = self.running.broker.queues.get(QUEUE_ID)
        view = self.running.node.queue_view(QUEUE_ID)
        return {
            "replica": list(self.running.replica_id),
            "epoch": 0 if served is None else served.log.led.lead.epoch,
            "in_sync": [] if view is None else list(view.in_sync_set),
            "began_with": self.running.broker.began_with.get(QUEUE_ID, []),
            "frozen": self.running.node.frozen_because,
        }


async def run(name: str, folder: Path, etcd: EtcdServer, cluster: str) -> None:
    running = Running(name, folder, etcd, cluster)
    await running.start()
    program = Program(running)
    server = await asyncio.start_server(program.answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await running.node.run()


def main() -> None:
    name, folder, url, cluster = sys.argv[1:]
    etcd = EtcdServer(Path(folder), port=int(url.rpartition(":")[2]))
    asyncio.run(run(name, Path(folder), etcd, cluster))


if __name__ == "__main__":
    main()
