"""``haremq dev-cluster`` and ``start --nodes`` for real: started, used by a client, ended."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pytest
import yaml

from tests.support.etcd_server import require_etcd
from tests.support.ports import free_port

PATIENCE_S = 120
ENDED_S = 60
READY = "To end one of them"
LASTING = pika.BasicProperties(delivery_mode=2)

pytestmark = pytest.mark.timeout(400)


@contextmanager
def running(*arguments: str) -> Iterator[list[int]]:
    """Run a command until it says that it is ready; yield the pids of its children, then end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "amqp_server", *arguments], stdout=subprocess.PIPE, text=True
    ) as command:
        late = threading.Timer(PATIENCE_S, command.kill)
        late.start()
        try:
            assert command.stdout is not None
            lines = []
            for line in command.stdout:
                lines.append(line)
                if line.startswith(READY):
                    break
            late.cancel()
            assert lines[-1].startswith(READY), lines
            pids = [int(line.split()[1]) for line in lines if line.startswith("haremq-")]
            pids += [int(line.split()[-1]) for line in lines if line.startswith("etcd: ")]
            yield pids
            command.send_signal(signal.SIGTERM)
            assert command.wait(ENDED_S) == 0
        finally:
            late.cancel()
            command.kill()


def connected(port: int) -> pika.BlockingConnection:
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))


def publish(port: int, count: int) -> None:
    connection = connected(port)
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare("jobs", durable=True)
    for number in range(count):
        channel.basic_publish("", "jobs", b"%d" % number, LASTING)
    connection.close()


def consumed(port: int, count: int) -> list[bytes]:
    connection = connected(port)
    channel = connection.channel()
    channel.basic_qos(prefetch_count=count)
    found: list[bytes] = []
    for method, _, body in channel.consume("jobs", inactivity_timeout=30):
        assert method is not None, found
        assert body is not None
        assert method.delivery_tag is not None
        found.append(body)
        channel.basic_ack(method.delivery_tag)
        if len(found) == count:
            break
    connection.close()
    return found


def are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_three_nodes_serve_one_queue_and_find_it_again(tmp_path: Path) -> None:
    require_etcd()
    port = free_port()
    command = ("dev-cluster", "--port", str(port), "--dir", str(tmp_path / "c"), "--keep")
    with running(*command) as pids:
        assert len(pids) == 4
        publish(port, 6)
        assert consumed(port + 1, 3) == [b"0", b"1", b"2"]
    assert are_gone(pids)
    with running(*command) as pids:
        assert consumed(port + 2, 3) == [b"3", b"4", b"5"]
    assert are_gone(pids)


def test_two_nodes_share_a_port(tmp_path: Path) -> None:
    require_etcd()
    port = free_port()
    config = tmp_path / "haremq.yaml"
    listener = {"address": "127.0.0.1", "port": port}
    management: dict[str, list[str]] = {"listeners": [], "metrics_listeners": []}
    config.write_text(yaml.safe_dump({"net": {"listeners": [listener]}, "management": management}))
    options = ("--nodes", "2", "--config", str(config), "--data-dir", str(tmp_path / "two"))
    with running("start", *options) as pids:
        assert len(pids) == 3
        publish(port, 3)
        assert consumed(port, 3) == [b"0", b"1", b"2"]
    assert are_gone(pids)
