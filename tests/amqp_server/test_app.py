"""The node is put together from its settings, and says why it cannot start."""

import gc
import json
import logging
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from amqp_server import app, exit_status
from amqp_server.app import build_broker, run
from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import LoginRefusedError
from amqp_server.broker.settings import BrokerSettings, DefaultPermissions
from amqp_server.net.listener import ListenError
from amqp_server.net.server import Server
from amqp_server.net.settings import ListenerSettings, NetSettings, TlsSettings
from amqp_server.net.timers import now_ms, wall_ms
from amqp_server.settings.schema import Settings
from queues.kinds import QUORUM
from queues.settings import QueuesSettings
from tests.support.consumer import FakeConsumer
from tests.support.vhosts import message

QUEUE = {"name": "jobs", "vhost": "/", "durable": True, "arguments": {}}


def settings_with(definitions: Path | None = None, **broker: object) -> Settings:
    section = replace(BrokerSettings(load_definitions=definitions), **broker)  # type: ignore[arg-type] # keys
    return Settings(broker=section)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A node that ran, or tried to, leaves its own handlers."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def definitions_file(tmp_path: Path) -> Path:
    return tmp_path / "definitions.json"


def built(definitions_file: Path, raw: object, **broker: object) -> Broker:
    definitions_file.write_text(json.dumps(raw), encoding="utf-8")
    return build_broker(settings_with(definitions_file, **broker))


# ── who exists ──


def test_by_default_there_is_guest_in_the_default_vhost() -> None:
    broker = build_broker(Settings())
    assert [vhost.name for vhost in broker.vhosts()] == ["/"]
    guest = broker.users.authenticate("guest", "guest")
    assert guest.tags == ("administrator",)
    for permission in Permission:
        assert broker.users.allows("guest", "/", permission, "anything")
    with pytest.raises(LoginRefusedError):
        broker.users.check_loopback(guest, is_loopback=False)


def test_the_default_user_is_who_the_settings_say() -> None:
    broker = build_broker(
        settings_with(
            default_user="hare",
            default_pass="burrow",
            default_vhost="field",
            default_user_tags=("monitoring",),
            default_permissions=DefaultPermissions(configure="", write="^w", read=".*"),
            loopback_users=(),
        )
    )
    hare = broker.users.authenticate("hare", "burrow")
    assert hare.tags == ("monitoring",)
    broker.users.check_loopback(hare, is_loopback=False)
    assert [held.vhost for held in broker.users.permissions("hare")] == ["field"]
    assert broker.users.allows("hare", "field", Permission.WRITE, "work")
    assert not broker.users.allows("hare", "field", Permission.CONFIGURE, "work")
    assert [user.name for user in broker.users.list()] == ["hare"]


def test_an_empty_default_user_is_nobody() -> None:
    assert list(build_broker(settings_with(default_user="")).users.list()) == []


def test_definitions_that_name_users_leave_out_the_default_one(definitions_file: Path) -> None:
    broker = built(definitions_file, {"users": [{"name": "u", "password": "p", "tags": ""}]})
    assert [user.name for user in broker.users.list()] == ["u"]
    broker.users.authenticate("u", "p")


def test_definitions_that_name_no_users_leave_the_default_one(definitions_file: Path) -> None:
    rights = {"user": "guest", "vhost": "v", "configure": ".*", "write": ".*", "read": ".*"}
    broker = built(definitions_file, {"vhosts": [{"name": "v"}], "permissions": [rights]})
    broker.users.authenticate("guest", "guest")
    assert broker.users.may_enter_vhost("guest", "v")
    assert broker.users.may_enter_vhost("guest", "/")


def test_the_default_vhost_exists_beside_those_of_the_definitions(definitions_file: Path) -> None:
    broker = built(definitions_file, {"vhosts": [{"name": "v"}], "queues": [QUEUE]})
    assert [vhost.name for vhost in broker.vhosts()] == ["/", "v"]
    assert broker.vhost("/").queues.find("jobs") is not None


def test_the_nodes_default_queue_type_is_that_of_the_definitions_queues(
    definitions_file: Path,
) -> None:
    broker = built(definitions_file, {"queues": [QUEUE]}, default_queue_type="quorum")
    queue = broker.vhost("/").queues.find("jobs")
    assert queue is not None
    assert queue.kind is QUORUM


def test_definitions_may_begin_with_a_byte_order_mark(definitions_file: Path) -> None:
    definitions_file.write_text(json.dumps({"queues": [QUEUE]}), encoding="utf-8-sig")
    broker = build_broker(settings_with(definitions_file))
    assert broker.count_queues() == 1


def test_names_in_definitions_are_utf_8(definitions_file: Path) -> None:
    text = json.dumps({"queues": [{**QUEUE, "name": "möhre"}]}, ensure_ascii=False)
    definitions_file.write_text(text, encoding="utf-8")
    broker = build_broker(settings_with(definitions_file))
    assert broker.vhost("/").queues.find("möhre") is not None


# ── what else the settings say ──


def test_a_queue_delivers_so_many_messages_a_turn() -> None:
    settings = Settings(queues=QueuesSettings(deliveries_per_turn_max=2))
    broker = build_broker(settings)
    vhost = broker.vhost("/")
    queue = vhost.queues.declare("jobs", QueueProperties(True, False, False, {}), None, 1)
    consumer = FakeConsumer(no_ack=True)
    queue.engine.consume(consumer, 1)
    vhost.publisher.publish("", [message(b"m") for _ in range(3)], 1)
    assert broker.end_turn(1) is True
    assert len(consumer.bodies) == 2
    assert broker.end_turn(1) is False
    assert len(consumer.bodies) == 3


def test_the_broker_knows_the_time_of_day() -> None:
    broker = build_broker(Settings())
    assert abs(broker.wall_s(now_ms()) - wall_ms() / 1000) < 2


def test_generated_names_differ() -> None:
    broker = build_broker(Settings())
    assert len({broker.generate_name("amq.gen") for _ in range(20)}) == 20


# ── what cannot be ──


def test_a_node_whose_definitions_cannot_be_used_has_a_wrong_configuration(
    definitions_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for octets in (None, b"{", b'{"vhosts": [{"name": "v"}]}'):
        if octets is not None:
            definitions_file.write_bytes(octets)
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            settings = settings_with(
                definitions_file, vhosts_max=1, data_dir=None, load_definitions_strict=True
            )
            assert run(settings) == exit_status.CONFIGURATION
        (record,) = caplog.records
        assert record.getMessage().startswith("cannot start: ")
        assert record.exc_info is None, "the operator's matter, not a bug"


def test_each_of_many_reasons_has_a_line_of_its_own(
    definitions_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    definitions_file.write_text(json.dumps({"queues": [{}] * 300}), encoding="utf-8")
    settings = settings_with(definitions_file, data_dir=None, load_definitions_strict=True)
    with caplog.at_level(logging.ERROR):
        assert run(settings) == exit_status.CONFIGURATION
    assert len(caplog.records) == 300
    assert caplog.records[-1].getMessage() == (
        "cannot start: definitions.queues[299].name: must be given"
    )


@pytest.mark.parametrize(
    ("net", "status", "told"),
    [
        (
            NetSettings(listeners=(ListenerSettings(address="192.0.2.1", port=0),)),
            exit_status.UNAVAILABLE,
            "192.0.2.1",
        ),
        (
            NetSettings(
                listeners=(ListenerSettings(port=0, tls=True),),
                tls=TlsSettings(certificate_file=Path("no.pem"), key_file=Path("no.key")),
            ),
            exit_status.CONFIGURATION,
            "net.tls.certificate_file: no.pem: No such file or directory",
        ),
    ],
)
def test_a_node_that_cannot_listen_says_why(
    net: NetSettings, status: int, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        settings = Settings(net=net, broker=BrokerSettings(data_dir=None))
        assert run(settings) == status
    (record,) = caplog.records
    assert record.getMessage().startswith("cannot start: ")
    assert told in record.getMessage()


def test_a_node_heeds_signals_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    heeded: list[bool] = []
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def listen(_server: Server) -> None:
        heeded.extend(signal.getsignal(number) is not signal.SIG_DFL for number in numbers)
        raise ListenError("no address")

    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    monkeypatch.setattr(Server, "listen", listen)
    assert run(settings_with(data_dir=None)) == exit_status.UNAVAILABLE
    assert heeded == [True, True, True]


# ── the cyclic collector ──


def test_the_collector_rests_while_a_node_is_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    was_running: list[bool] = []

    def fail(*_: object) -> None:
        was_running.append(gc.isenabled())
        raise OSError("no disk")

    monkeypatch.setattr(app, "build_broker", fail)
    assert run(settings_with(data_dir=None)) == exit_status.DATA_DIRECTORY
    assert was_running == [False]
    assert gc.isenabled()


def test_the_collector_runs_once_the_node_does(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    enabled: list[bool] = []
    enable = gc.enable
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    # It stays off: a collection of the test's own process would be counted too.
    monkeypatch.setattr(gc, "enable", lambda: enabled.append(True))
    monkeypatch.setattr(gc, "callbacks", gc.callbacks[:])
    thresholds = gc.get_threshold()
    gc.disable()
    try:
        app._calm_collector()
        assert enabled == [True]
        assert gc.get_threshold() == app.COLLECTOR_THRESHOLDS
        let_be = gc.callbacks[-1]
        for generation in range(3):
            let_be("start", {"generation": generation})
            let_be("stop", {"generation": generation})
        assert frozen == [True, True], "at the start, and after each full collection"
    finally:
        enable()
        gc.set_threshold(*thresholds)
