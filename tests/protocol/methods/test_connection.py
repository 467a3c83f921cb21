"""connection.*: the offer, the login, the limits, the vhost."""

from dataclasses import replace

import pytest
from pamqp import commands

from amqp_server.broker.views import Views
from amqp_server.protocol.methods.connection import CAPABILITIES
from amqp_server.protocol.settings import CompatibilitySettings, ProtocolSettings
from amqp_server.wire.tables import Field, Table, plain
from tests.support.frames import PROTOCOL_HEADER
from tests.support.peer import Client, Close, Node


def started(node: Node) -> Client:
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    return peer


def offered(node: Node) -> dict[str, object]:
    """Return the server-properties of connection.start."""
    start = started(node).expect(commands.Connection.Start)
    assert (start.version_major, start.version_minor) == (0, 9)
    longstrs: tuple[object, ...] = (start.mechanisms, start.locales)
    assert longstrs == (b"PLAIN AMQPLAIN", b"en_US")
    properties: Table = vars_of(start)
    return {name: plain(value) for name, value in properties.items()}


def vars_of(start: commands.Connection.Start) -> Table:
    table: object = start.server_properties
    assert isinstance(table, dict)
    assert all(isinstance(value, Field) for value in table.values())
    return table


def test_the_server_introduces_itself_as_clients_expect() -> None:
    properties = offered(Node())
    assert (properties["product"], properties["version"]) == ("RabbitMQ", "3.13.7")
    assert properties["cluster_name"] == "haremq@localhost"
    assert str(properties["platform"]).startswith("HareMQ ")
    assert properties["capabilities"] == dict.fromkeys(CAPABILITIES, True)


def test_what_it_calls_itself_is_configured() -> None:
    compatibility = CompatibilitySettings(
        product="Hare", version="4.0.0", server_properties={"site": "home", "version": "4.1.0"}
    )
    properties = offered(Node(ProtocolSettings(compatibility=compatibility)))
    assert (properties["product"], properties["version"], properties["site"]) == (
        "Hare",
        "4.1.0",
        "home",
    )


def test_the_limits_are_offered_after_the_login() -> None:
    peer = started(Node())
    peer.log_in()
    tune = peer.expect(commands.Connection.Tune)
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (2047, 131_072, 60)


# -- tune-ok -----------------------------------------------------------------------------------


def tuned(**limits: int) -> Client:
    peer = started(Node())
    peer.log_in()
    peer.receive()
    peer.send(commands.Connection.TuneOk, 0, **{"channel_max": 9, "frame_max": 4096, **limits})
    return peer


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"frame_max": 1}, "frame_max = 1 is lower than the minimum allowed value (4096)"),
        ({"frame_max": 4095}, "frame_max = 4095 is lower than the minimum allowed value (4096)"),
        (
            {"frame_max": 131_073},
            "frame_max = 131073 is higher than the maximum allowed value (131072)",
        ),
        (
            {"frame_max": 0},
            "frame_max = 0 (no limit) is higher than the maximum allowed value (131072)",
        ),
        (
            {"channel_max": 2048},
            "channel_max = 2048 is higher than the maximum allowed value (2047)",
        ),
        (
            {"channel_max": 0},
            "channel_max = 0 (no limit) is higher than the maximum allowed value (2047)",
        ),
    ],
)
def test_limits_outside_the_offer_are_refused(limits: dict[str, int], text: str) -> None:
    close = tuned(**limits).closed()
    assert (close.channel, close.code, close.method) == (0, 530, (10, 31))
    assert close.text == f"NOT_ALLOWED - negotiated {text}"


@pytest.mark.parametrize(
    "limits", [{}, {"frame_max": 131_072}, {"channel_max": 1}, {"heartbeat": 65_535}]
)
def test_limits_within_the_offer_hold(limits: dict[str, int]) -> None:
    peer = tuned(**limits)
    peer.send(commands.Connection.Open, 0, virtual_host="/")
    peer.expect(commands.Connection.OpenOk)
    session = peer.connection.session
    agreed = {"channel_max": 9, "frame_max": 4096, "heartbeat": 0, **limits}
    assert agreed == {
        "channel_max": session.channel_max,
        "frame_max": session.frame_max_bytes,
        "heartbeat": session.heartbeat_s,
    }


def test_we_send_no_frame_over_the_agreed_size() -> None:
    node = Node()
    peer = node.connect()
    peer.shake_hands(frame_max=4096)
    peer.open_channel(1)
    peer.declare()
    node.open().publish(b"x" * 10_000)
    peer.consume()
    octets = peer.read_bytes()
    sizes = []
    while octets:
        size = int.from_bytes(octets[3:7], "big") + 8
        sizes.append(size)
        octets = octets[size:]
    assert max(sizes) == 4096


# -- open --------------------------------------------------------------------------------------


def opened(node: Node, vhost: str | bytes = "/", user: str = "guest") -> Client:
    peer = started(node)
    peer.log_in(user)
    peer.send(commands.Connection.TuneOk, 0, channel_max=9, frame_max=4096)
    peer.receive()
    peer.send(commands.Connection.Open, 0, virtual_host=vhost)
    return peer


@pytest.mark.parametrize("vhost", ["none", "../", "/..", "a/b", "\0", "é", "x" * 255, ""])
def test_a_vhost_that_does_not_exist_is_refused(vhost: str) -> None:
    """Whatever its name looks like."""
    close = opened(Node(), vhost).closed()
    assert (close.channel, close.code, close.method) == (0, 530, (10, 40))
    assert close.text[:230] == f"NOT_ALLOWED - vhost {vhost} not found"[:230]


def test_a_vhost_without_a_right_to_it_is_refused() -> None:
    node = Node()
    node.broker.add_vhost("closed")
    close = opened(node, "closed").closed()
    assert close.text == "NOT_ALLOWED - access to vhost 'closed' refused for user 'guest'"


@pytest.mark.parametrize("limit", ["user", "vhost"])
def test_connections_are_bounded_by_user_and_by_vhost(limit: str) -> None:
    node = Node()
    if limit == "user":
        guest = node.broker.users.get("guest")
        assert guest is not None
        node.broker.users.put(replace(guest, limits={"max-connections": 1}))
    else:
        node.vhost.limits.replace({"max-connections": 1})
    first = opened(node)
    first.expect(commands.Connection.OpenOk)
    refused = opened(node).closed()
    assert (refused.code, refused.channel) == (530, 0)
    assert "connection limit (1) is reached" in refused.text
    first.connection.receive_eof(node.now_ms)
    opened(node).expect(commands.Connection.OpenOk)


# -- update-secret -----------------------------------------------------------------------------


def test_a_new_secret_is_taken() -> None:
    peer = Node().open()
    peer.send(commands.Connection.UpdateSecret, 0, new_secret=b"fresh", reason="expires")
    peer.expect(commands.Connection.UpdateSecretOk)


def test_a_new_secret_does_not_help_who_has_no_rights_left() -> None:
    node = Node()
    peer = node.open()
    node.broker.users.clear_permissions("guest", "/")
    peer.send(commands.Connection.UpdateSecret, 0, new_secret=b"fresh")
    closes: list[Close] = peer.closes()
    assert [close.code for close in closes] == [530]


def test_who_may_not_read_any_more_loses_the_consumer_and_is_told() -> None:
    node = Node()
    peer = node.open()
    peer.declare()
    peer.send(commands.Basic.Consume, queue="jobs", consumer_tag="t")
    peer.expect(commands.Basic.ConsumeOk)
    node.broker.users.set_permissions("guest", "/", ".*", ".*", "")
    peer.send(commands.Connection.UpdateSecret, 0, new_secret=b"fresh")
    assert peer.expect(commands.Basic.Cancel).consumer_tag == "t"
    assert Views(node.broker).consumers().items == ()
