"""Links of running nodes, over Unix sockets and behind TLS; a new process is dialed at once."""

import asyncio
import socket
from pathlib import Path

from cluster.node.linking import LeaderLogs
from cluster.replication.frames import Append
from tests.support.certificates import Authority
from tests.support.etcd_server import EtcdServer
from tests.support.node_contexts import contexts
from tests.support.running_cluster import Publisher, RunningCluster, Way, running_cluster


def test_links_on_one_host_are_unix_sockets(tmp_path: Path, etcd: EtcdServer) -> None:
    def way(name: str) -> Way:
        path = tmp_path / f"{name}.links"
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
        return Way(listening, f"unix:{path}")

    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", way=way) as cluster:
            await cluster.declare("q1", "a", "b")
            await Publisher(cluster, "q1").publish(3)
            node = cluster.nodes["a"].node
            heard_at_ms = node.heard_at_ms("b")
            assert heard_at_ms is not None
            assert 0 <= node.now_ms() - heard_at_ms <= 2_000
            assert node.heard_at_ms("c") is None
            ends_at_ms = node.lease_ends_at_ms
            assert ends_at_ms is not None
            assert 0 < ends_at_ms - node.now_ms() <= 1_500
            assert sum(each.node.elections_count for each in cluster.nodes.values()) == 1

    asyncio.run(scenario())


def test_certificates_that_name_the_nodes_take_the_place_of_a_secret(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    authority = Authority()
    (tmp_path / "keys").mkdir()

    def way(name: str) -> Way:
        listening = socket.create_server(("127.0.0.1", 0))
        tls = contexts(tmp_path / "keys", name, authority)
        return Way(listening, f"127.0.0.1:{listening.getsockname()[1]}", tls)

    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", way=way) as cluster:
            await cluster.declare("q1", "a", "b")
            await Publisher(cluster, "q1").publish(3)

    asyncio.run(scenario())


def test_a_run_is_read_again_from_the_log_of_its_epoch_only(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            await cluster.declare("q1", "a", min_isr=1)
            await Publisher(cluster, "q1").publish(3)
            _reads_again(cluster)

    asyncio.run(scenario())


def _reads_again(cluster: RunningCluster) -> None:
    shell = cluster.nodes["a"].node.shell
    logs, lead = LeaderLogs(shell), shell.core.lead_of("q1")
    assert lead is not None
    replica, end, epoch = shell.replicas()["q1"], lead.replica.end, lead.epoch

    def frame(queue: str, epoch: int, after: int, count: int) -> Append:
        return Append(queue, epoch, after, epoch, count, None, 1, 0)

    assert logs.read_run(frame("q1", epoch, end - 2, 2)) == replica.read(end - 2, 2)[1]
    assert logs.read_run(frame("q1", epoch - 1, end - 2, 2)) is None
    assert logs.read_run(frame("q1", epoch, end - 1, 2)) is None
    assert logs.read_run(frame("q1", epoch, replica.base - 1, 1)) is None
    assert logs.read_run(frame("q2", epoch, 0, 1)) is None
