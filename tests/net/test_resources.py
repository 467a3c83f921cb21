"""What the node has of the machine, as the monitors and the server say."""

from typing import cast

from amqp_server.net.descriptors import Descriptors
from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.memory_monitor import MemoryMonitor
from amqp_server.net.resources import Resources
from amqp_server.net.server import Bound, Server


class Listening:
    """A server with one listener and two connections."""

    transports = frozenset({object(), object()})
    tls = None
    bound = (Bound("127.0.0.1", 5672, "amqp", is_tls=False),)


def test_what_was_measured_is_shown() -> None:
    clock = iter([1_000, 4_000, 5_000])
    memory = MemoryMonitor(800, lambda *_: None, 0, lambda: 100)
    disk = DiskMonitor(50, lambda *_: None, 0, lambda: 70)
    parts = Descriptors(1_000, 900, 50)
    server = cast("Server", Listening())
    resources = Resources(memory, disk, parts, server, lambda: next(clock))
    disk.on_deadline(0)
    view = resources.look()
    assert (view.memory_bytes, view.memory_limit_bytes) == (100, 800)
    assert (view.disk_free_bytes, view.disk_limit_bytes) == (70, 50)
    assert (view.sockets, view.sockets_max, view.descriptors_max) == (2, 900, 1_000)
    assert (view.descriptors > 0, view.uptime_ms) == (True, 3_000)
    assert view.listeners == (("127.0.0.1", 5672, "amqp", False),)


def test_listeners_of_management_are_listeners() -> None:
    memory = MemoryMonitor(0, lambda *_: None, 0, lambda: 100)
    page = Bound("127.0.0.1", 15_672, "http", is_tls=False)
    parts, server = Descriptors(9, 5, 2), cast("Server", Listening())
    view = Resources(memory, None, parts, server, lambda: 0, lambda: [page]).look()
    assert [each.protocol for each in view.listeners] == ["amqp", "http"]


def test_without_a_disk_nothing_is_known_of_it() -> None:
    memory = MemoryMonitor(0, lambda *_: None, 0, lambda: 100)
    server = cast("Server", Listening())
    view = Resources(memory, None, Descriptors(9, 5, 2), server, lambda: 0).look()
    assert (view.disk_free_bytes, view.disk_limit_bytes, view.memory_bytes) == (None, 0, 100)
