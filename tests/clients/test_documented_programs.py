"""The programs of README and docs/tutorials, taken from the page and run as it says.

What a page has its readers install is installed by the very lines that it prints, with Debian's
own Python where that is there: it refuses to be installed into (PEP 668).
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, UnroutableError

from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import Program, run
from tests.clients.support.requirements import require_tool
from tests.clients.support.server import HOST, Server
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
NAMED_PROGRAM = re.compile(r"^`([\w.]+)`[^\n]*\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETUP = re.compile(r"^```\n(python3 -m venv .*?)^```$", re.MULTILINE | re.DOTALL)
INSTALL_TIMEOUT_S = 60.0
READINGS = ("readings.0", "readings.1", "readings.2")
METERS = ("meters-0", "meters-1", "meters-2")
QUEUES = ("hello", "jobs", "jobs.failed", "rpc.power", "measurements", "states", *READINGS, *METERS)
EXCHANGES = ("news", "logs", "readings", "meters")

pytestmark = pytest.mark.clients


class Readers:
    """Folders in which the lines that pages begin with have been run, once for the same lines."""

    def __init__(self, make_folder: Callable[[str], Path]) -> None:
        self._make_folder = make_folder
        self._folders: dict[str, Path] = {}

    def prepare(self, text: str, folder: Path) -> None:
        """Give a page's folder what its lines install."""
        (lines,) = SETUP.findall(text)
        if lines not in self._folders:
            self._folders[lines] = self._installed(lines)
        for installed in self._folders[lines].iterdir():
            (folder / installed.name).symlink_to(installed)

    def _installed(self, lines: str) -> Path:
        folder = self._make_folder("reader")
        environment = {"PATH": f"/usr/bin:{os.environ['PATH']}"}
        command = ["bash", "-ec", lines]
        code, output = run(command, environment, directory=folder, timeout_s=INSTALL_TIMEOUT_S)
        assert code == 0, output
        return folder


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Readers:
    """The readers of this module's pages."""
    return Readers(tmp_path_factory.mktemp)


class Page:
    """The named programs of one page, written out with the broker's URI for localhost."""

    def __init__(self, page: str, folder: Path, uri: str, readers: Readers) -> None:
        self.folder = folder
        self._text = text = (ROOT / page).read_text(encoding="utf-8")
        readers.prepare(text, folder)
        for name, program in NAMED_PROGRAM.findall(text):
            here = program.replace("amqp://guest:guest@localhost", uri).replace(
                'pika.ConnectionParameters("localhost")', f"pika.URLParameters({uri!r})"
            )
            assert here != program, f"{name} does not say where its broker is"
            (folder / name).write_text(here, encoding="utf-8")

    def start(self, name: str) -> Program:
        """Start a program that runs until it is stopped."""
        return Program(self._command(name), None, self.folder)

    def output_of(self, name: str) -> str:
        """Run a program to its end and return what it printed."""
        code, output = run(self._command(name), directory=self.folder)
        assert code == 0, output
        return output

    def _command(self, name: str) -> list[str | Path]:
        printed = f".venv/bin/python {name}"
        assert f"`{printed}`" in self._text, f"the page does not say how to run {name}"
        return [self.folder / ".venv/bin/python", name]


@pytest.fixture
def clean_broker_uri(broker_uri: str) -> Iterator[str]:
    """The broker's URI; what the tutorials leave behind is deleted before and after."""
    _forget(broker_uri)
    yield broker_uri
    _forget(broker_uri)


def _forget(uri: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(uri)) as connection:
        channel = connection.channel()
        for queue in QUEUES:
            channel.queue_delete(queue)
        for exchange in EXCHANGES:
            channel.exchange_delete(exchange)


def test_readme(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("README.md", tmp_path, clean_broker_uri, readers)
    assert page.output_of("hello.py") == "b'Hello hare!'"


def test_work_queue(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/work-queue.md", tmp_path, clean_broker_uri, readers)
    with page.start("worker.py") as first, page.start("worker.py") as second:
        first.wait_for_line("waiting for jobs")
        second.wait_for_line("waiting for jobs")
        confirmed = page.output_of("producer.py")
        assert confirmed.count("confirmed") == 4
        last_job = "working on 'four....'"
        wait_until(
            lambda: last_job in first.output + second.output, "a worker to take the last job"
        )
        busy, free = (first, second) if last_job in first.output else (second, first)
        busy.stop()
        free.wait_for_line(f"{last_job}, redelivered: True")
        assert "jobs.failed ready: 1 consumers: 0" in page.output_of("lengths.py")


def test_pub_sub(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/pub-sub.md", tmp_path, clean_broker_uri, readers)
    with page.start("listener.py") as first, page.start("listener.py") as second:
        first.wait_for_line("listening on amq.gen-")
        second.wait_for_line("listening on amq.gen-")
        page.output_of("publisher.py")
        first.wait_for_line("text/plain: the hare is off")
        second.wait_for_line("text/plain: the hare is off")


def test_delayed(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/delayed.md", tmp_path, clean_broker_uri, readers)
    with page.start("reader.py") as reader:
        reader.wait_for_line("waiting for what is due")
        assert page.output_of("remind.py").count("waits:") == 2
        reader.wait_for_line("tea is ready after 900 ms")
        assert reader.lines.index("water boils after 300 ms") == len(reader.lines) - 2


def test_deduplication(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/deduplication.md", tmp_path, clean_broker_uri, readers)
    with page.start("bookkeeper.py") as bookkeeper:
        bookkeeper.wait_for_line("waiting for payments")
        assert page.output_of("pay.py").count("confirmed:") == 4
        bookkeeper.wait_for_line("booked: 5 EUR to Eve")
        booked = [line for line in bookkeeper.lines if "booked:" in line]
        assert len(booked) == 3, booked


def test_two_brokers(tmp_path: Path, readers: Readers) -> None:
    listener = f"{{port: {free_port()}}}"  # without one there is no control socket either
    settings = f"management: {{listeners: [{listener}], metrics_listeners: []}}"
    server = Server(tmp_path / "node", settings=settings)
    try:
        server.wait_until_it_accepts()
        text = (ROOT / "docs/tutorials/two-brokers.md").read_text(encoding="utf-8")
        (lines,) = re.findall(r"^```\n(\.venv/bin/haremq .*?)^```$", text, re.MULTILINE | re.DOTALL)
        commands = lines.replace(".venv/bin/haremq", f"{sys.executable} -m amqp_server")
        socket = tmp_path / "node/data/control.sock"
        wait_until(socket.exists, "the control socket")
        code, output = run(["bash", "-ec", commands], {"HAREMQ_URI": f"unix:{socket}"})
        assert code == 0, output
        uri = f"amqp://guest:guest@{HOST}:{server.port}"
        page = Page("docs/tutorials/two-brokers.md", tmp_path, uri, readers)
        with page.start("bookkeeper.py") as bookkeeper:
            bookkeeper.wait_for_line("waiting for orders")
            wait_until(lambda: _is_bound(f"{uri}/shop"), "the link to bind the shop's exchange")
            assert page.output_of("sell.py").count("published") == 3
            bookkeeper.wait_for_line("order.milk: a litre")
            assert bookkeeper.lines[-2:] == ["order.tea: two bags", "order.milk: a litre"]
    finally:
        server.stop()


def _is_bound(uri: str) -> bool:
    """Whether what is published at the shop is routed; the link makes the exchange there, too."""
    with pika.BlockingConnection(pika.URLParameters(uri)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        try:
            channel.basic_publish("orders", "order", b"", mandatory=True)
        except (UnroutableError, ChannelClosedByBroker):
            return False
        return True


def test_topics(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    node = require_tool("node")
    require_tool("npm")
    page = Page("docs/tutorials/topics.md", tmp_path, clean_broker_uri, readers)
    listeners = {
        "*.error": ["payment.error", "shipping.error"],
        "payment.#": ["payment.error", "payment.info", "payment.eu.error", "payment"],
        "#.error": ["payment.error", "payment.eu.error", "shipping.error"],
        "*.error payment.*": ["payment.error", "payment.info", "shipping.error"],
    }
    for patterns, routing_keys in listeners.items():
        with Program([node, "listen.mjs", *patterns.split()], None, tmp_path) as listener:
            listener.wait_for_line("listening to")
            page.output_of("log.py")
            listener.wait_for_line(f"{routing_keys[-1]}: ")
            heard = [line.split(":")[0] for line in listener.lines if ": " in line]
            assert heard == routing_keys


def test_keys(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/keys.md", tmp_path, clean_broker_uri, readers)
    with ExitStack() as stack:
        workers = []
        for number, queue in enumerate(READINGS):
            command: list[str | Path] = [tmp_path / ".venv/bin/python", "worker.py", str(number)]
            workers.append(stack.enter_context(Program(command, None, tmp_path)))
            workers[-1].wait_for_line(f"waiting for {queue}")
        assert page.output_of("sensors.py") == "confirmed"
        lines = [
            f"device-{device}: reading {number}" for device in range(20) for number in range(5)
        ]
        wait_until(
            lambda: len([line for each in workers for line in each.lines if ": " in line]) == 100,
            "all readings to be worked off",
        )
        together = [line for each in workers for line in each.lines if ": " in line]
        assert sorted(together, key=lambda line: int(line.split(":")[0][7:])) == lines
        assert all([len(each.lines) > 5 for each in workers]), "each of them had a share"


def test_streams(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/streams.md", tmp_path, clean_broker_uri, readers)
    for _ in range(2):
        assert page.output_of("devices.py") == "messages in the stream: 10000"
    with page.start("live.py") as live:
        live.wait_for_line("live")
        next_round: list[str | Path] = [tmp_path / ".venv/bin/python", "devices.py", "1"]
        assert run(next_round, directory=tmp_path) == (0, "messages in the stream: 20000")
        live.wait_for_line("device-9999: reading 1")
        assert live.lines == ["live", "device-7: reading 1", "device-9999: reading 1"]
    assert page.output_of("replay.py") == "read up to offset 19999: 10000 devices"
    assert page.output_of("billing.py") == "worked off 0 to 3999"
    assert page.output_of("billing.py") == "worked off 4000 to 7999"
    told = ["fewer than 10000 messages are left", "999 devices: {'reading 9'}"]
    assert page.output_of("states.py").splitlines() == told
    shares = page.output_of("partitions.py").splitlines()
    assert sum([int(line.split()[1]) for line in shares]) == 10_000
    with ExitStack() as workers:
        first, second = [_started(workers, page) for _ in range(2)]
        wait_until(
            lambda: all([f"{partition}: 3000" in first.output for partition in METERS]),
            "the first of the group to read",
        )
        assert second.lines == ["ready"]
        first.stop()
        page.output_of("partitions.py")
        second.wait_for_line("meters-2: 3000")


def _started(workers: ExitStack, page: Page) -> Program:
    worker = workers.enter_context(page.start("worker.py"))
    worker.wait_for_line("ready")
    return worker


def test_rpc(clean_broker_uri: str, tmp_path: Path, readers: Readers) -> None:
    page = Page("docs/tutorials/rpc.md", tmp_path, clean_broker_uri, readers)
    with page.start("server.py") as server:
        server.wait_for_line("waiting for requests")
        answers = page.output_of("client.py")
    assert answers.splitlines()[-1] == "111 squared is 12321"
