"""``haremq`` as a program, on a node of its own: over the control socket and over TCP."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.rabbitmq import HTTP_PORT_OFFSET
from tests.clients.support.server import HOST, Server
from tests.support.ports import free_port

pytestmark = pytest.mark.clients

TIMEOUT_S = 60
NODE = "management: {metrics_listeners: []}\n"


class Program:
    """The program, in the folder of a node whose control socket it finds."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.uri = f"http://{HOST}:{server.port + HTTP_PORT_OFFSET}"
        clean = {name: value for name, value in os.environ.items() if "HAREMQ_" not in name}
        self.environ = {**clean, "HAREMQ_URI": f"unix:{folder / 'data' / 'control.sock'}"}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Begin a command whose output is read."""
        return subprocess.Popen(
            [sys.executable, "-m", "amqp_server", *words],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, status: int = 0) -> str:
        """Run a command, and return its output."""
        running = self.start(*words)
        out, err = running.communicate(timeout=TIMEOUT_S)
        assert running.returncode == status, f"{words}: {out}{err}"
        return out + err


@pytest.fixture(scope="module")
def haremq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("node")
    server = Server(folder, free_port(), NODE)
    try:
        server.wait_until_it_accepts()
        yield Program(server, folder)
    finally:
        server.stop()


def test_a_queue_and_a_message(haremq: Program) -> None:
    haremq("queues", "declare", "orders", "--type", "quorum")
    haremq("publish", "orders", "hello")
    assert "orders" in haremq("queues", "list", "--sort", "messages", "--reverse")
    assert "1 ready" in haremq("explain", "orders")
    assert "hello" in haremq("queues", "peek", "orders", "--text", "ell")
    assert "hello" not in haremq("queues", "peek", "orders", "--regexp", "^x")
    assert "hello" in haremq("get", "orders")
    assert "channel_name" in haremq("queues", "unacked", "orders")
    haremq("queues", "delete", "orders", status=64)
    haremq("queues", "delete", "orders", "--yes")


def test_a_stream_is_read_from_where_one_likes(haremq: Program) -> None:
    haremq("queues", "declare", "log", "--type", "stream")
    for body in ("first", "second"):
        haremq("publish", "log", body)
    shown = haremq("streams", "read", "log", "--from", "1")
    assert ("first" in shown, "second" in shown) == (False, True)
    assert "first" in haremq("streams", "read", "log", "--from", "10m")
    assert "offsets" in haremq("streams", "info", "log")
    haremq("streams", "read", "log", "--from", "yesterday", status=65)


def test_messages_move_and_dead_letters_go_back(haremq: Program) -> None:
    haremq("queues", "declare", "dead")
    dead = ("-a", "x-dead-letter-exchange=", "-a", "x-dead-letter-routing-key=dead")
    haremq("queues", "declare", "alive", "-a", "x-max-length=1", *dead)
    for body in ("first", "second", "third"):
        haremq("publish", "alive", body)
    haremq("queues", "purge", "alive", "--yes")
    haremq("queues", "redrive", "dead", status=64)
    assert "1 of 1 moved" in haremq("queues", "redrive", "dead", "-n", "1", "--yes")
    assert "first" in haremq("queues", "peek", "alive")
    number = haremq("queues", "move", "alive", "dead", "--yes", "--no-wait").strip()
    assert '"operator"' in haremq("jobs", "show", number, "-o", "json")
    haremq("queues", "declare", "copies")
    assert "1 of 2 copied" in haremq("queues", "copy", "dead", "copies", "--text", "first")
    assert haremq("jobs", "list", "--no-head").count("done") == 3
    haremq("jobs", "cancel", "99", status=65)


@pytest.mark.parametrize("noun", ["queues", "exchanges"])
def test_messages_are_shown_as_they_pass(haremq: Program, noun: str) -> None:
    haremq("queues", "declare", "passing")
    haremq("bindings", "declare", "amq.topic", "passing", "k")
    name = "passing" if noun == "queues" else "amq.topic"
    running = haremq.start(noun, "tail", name, "-n", "1", "-o", "jsonl")
    assert running.stdout is not None
    with running:
        # It is not told when the copies begin: messages go in until one comes out.
        while running.poll() is None:
            haremq("publish", "k", "hello", "-e", "amq.topic")
        assert '"payload": "hello"' in running.stdout.read()
        assert running.returncode == 0


def test_the_node_is_shown(haremq: Program) -> None:
    assert "HareMQ" in haremq("status")
    assert "in-service" in haremq("health")
    assert "ready" in haremq("top", "--looks", "1")
    assert haremq("whoami", "-o", "json").count("operator") == 1
    assert "ok" in haremq("check", "port-listener", str(haremq.server.port))
    assert "\n" in haremq("logs", "-n", "5")


def test_a_password_is_needed_over_tcp(haremq: Program) -> None:
    uri = haremq.uri.replace("http://", "http://guest:wrong@")
    assert "Login failed" in haremq("status", "--uri", uri, status=77)
    assert "guest" in haremq("whoami", "--uri", haremq.uri)


def test_a_reader_that_leaves_is_no_error(haremq: Program) -> None:
    running = haremq.start("queues", "list", "--watch", "0.2")
    assert running.stdout is not None
    assert running.stderr is not None
    with running:
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(TIMEOUT_S) == 0
        assert running.stderr.read() == ""


def test_ctrl_c_ends_it_quietly(haremq: Program) -> None:
    running = haremq.start("top", "--interval", "60")
    assert running.stdout is not None
    assert running.stderr is not None
    with running:
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(TIMEOUT_S) == 130
        assert running.stderr.read() == ""


def test_a_node_that_goes_ends_a_stream_with_a_line(tmp_path: Path) -> None:
    server = Server(tmp_path, free_port(), NODE)
    server.wait_until_it_accepts()
    haremq = Program(server, tmp_path)
    running = haremq.start("logs", "--follow", "-o", "jsonl")
    assert running.stdout is not None
    assert running.stderr is not None
    with running:
        running.stdout.readline()
        server.program.kill()
        assert running.wait(TIMEOUT_S) in {69, 76}
        said = running.stderr.read()
        assert said.startswith("haremq: ")
        assert said.count("\n") == 1
