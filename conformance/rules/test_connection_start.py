"""Protocol header, connection.start and login (§1.1, §1.6, §1.7)."""

import contextlib
import time

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, Differs, cases, check
from conformance.client import CAPABILITIES, Connection
from conformance.events import ClosedByPeerError, ConnectionLostError
from conformance.peer import Peer
from conformance.wire import (
    FRAME_METHOD,
    PROTOCOL_HEADER,
    TIMEOUT_S,
    decode_method,
    encode_method,
)

LOGIN_DELAY_S = 3.0

REFUSED_HEADERS = {
    "http": Case(b"GET / HTTP/1.1\r\n", PROTOCOL_HEADER),
    "tls-hello": Case(b"\x16\x03\x01\x02\x00\x01\x00\x01", PROTOCOL_HEADER),
    "random": Case(b"\x80\x91\xa2\xb3\xc4\xd5\xe6\xf7", PROTOCOL_HEADER),
    "amqp-0-10": Case(b"AMQP\x01\x01\x00\x0a", PROTOCOL_HEADER),
    "amqp-2": Case(b"AMQP\x00\x02\x00\x00", PROTOCOL_HEADER),
    "lower-case": Case(b"amqp\x00\x00\x09\x01", PROTOCOL_HEADER),
}


@cases("connection.header.refused-", REFUSED_HEADERS, ref="1.1-protocol-header")
def a_foreign_header_is_answered_with_the_brokers_own(peer: Peer, header: bytes) -> None:
    wire = peer.wire()
    wire.send_bytes(header)
    frame = wire.read_frame()
    assert frame is not None, "the broker closed without its header"
    assert frame.payload == peer.expected, f"the answer was {frame.payload!r}"
    wire.expect_end()


ACCEPTED_HEADERS = {
    "0-9-1": Case(b"AMQP\x00\x00\x09\x01", (0, 9)),
    "0-9": Case(b"AMQP\x01\x01\x00\x09", (0, 9)),
}


@cases("connection.header.accepted-", ACCEPTED_HEADERS, ref="1.1-protocol-header")
def a_known_header_is_answered_with_connection_start(peer: Peer, header: bytes) -> None:
    connection = peer.stranger()
    connection.send_bytes(header)
    start = connection.expect(0, commands.Connection.Start)
    assert (start.version_major, start.version_minor) == peer.expected


@check(
    "connection.header.0-8",
    ref="1.1-protocol-header",
    expect="refused",
    on_purpose=Differs("0-8 has other methods, and no client of today speaks it", "accepted"),
)
def the_header_of_0_8(peer: Peer) -> None:
    wire = peer.wire()
    wire.send_bytes(b"AMQP\x01\x01\x08\x00")
    frame = wire.read_frame()
    assert frame is not None, "the broker closed without a word"
    outcome = "refused" if frame.payload == PROTOCOL_HEADER else "accepted"
    assert outcome == peer.expected, outcome


@check("connection.header.byte-by-byte", ref="1.1-protocol-header")
def the_header_may_come_in_pieces(peer: Peer) -> None:
    connection = peer.stranger()
    for index in range(len(PROTOCOL_HEADER)):
        connection.send_bytes(PROTOCOL_HEADER[index : index + 1])
    connection.expect(0, commands.Connection.Start)


@check("connection.header.health-check", ref="1.1-health-check")
def opening_and_closing_without_a_byte_disturbs_nobody(peer: Peer) -> None:
    peer.wire().close()
    peer.channel().sync()


def _start(peer: Peer) -> commands.Connection.Start:
    connection = peer.stranger()
    connection.send_bytes(PROTOCOL_HEADER)
    return connection.expect(0, commands.Connection.Start)


@check("connection.start.locales", ref="1.1-start")
def the_only_locale_is_en_us(peer: Peer) -> None:
    locales = str(_start(peer).locales)
    assert locales == "en_US", locales


@check("connection.start.mechanisms", ref="1.1-start")
def plain_and_amqplain_are_offered_between_spaces(peer: Peer) -> None:
    offered = str(_start(peer).mechanisms).split(" ")
    assert {"PLAIN", "AMQPLAIN"} <= set(offered), offered
    assert "EXTERNAL" not in offered, "EXTERNAL without TLS breaks py-amqp, which prefers it"


@check("connection.start.server-properties", ref="1.6-server-properties", ninth=3)
def the_server_names_itself_as_kombu_expects(peer: Peer) -> None:
    announced = _start(peer).server_properties
    keys = {"capabilities", "cluster_name", "copyright", "information"}
    keys |= {"platform", "product", "version"}
    assert keys <= set(announced), f"missing: {keys - set(announced)}"
    assert announced["product"] == "RabbitMQ", announced["product"]
    major, minor = str(announced["version"]).split(".")[:2]
    # kombu uses RabbitMQ's meaning of qos from 3.3 on, and in its next release only below 4.
    assert (3, 3) <= (int(major), int(minor)) < (4, 0), announced["version"]


CAPABILITY_CASES = {
    name.replace("_", "-"): Case(name, True)
    for name in (
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    )
}


@cases("connection.start.capability-", CAPABILITY_CASES, ref="1.6-capabilities")
def the_server_announces_its_capability(peer: Peer, name: str) -> None:
    capabilities = _start(peer).server_properties["capabilities"]
    assert isinstance(capabilities, dict), "capabilities is a table"
    assert capabilities.get(name) is peer.expected, f"{name} is {capabilities.get(name)!r}"


def _amqplain(user: str, password: str) -> bytes:
    return fields.elements({"LOGIN": user, "PASSWORD": password})


@check("connection.login.plain", ref="1.7-plain")
def plain_logs_in(peer: Peer) -> None:
    peer.channel(mechanism="PLAIN").sync()


@check("connection.login.amqplain", ref="1.7-amqplain")
def amqplain_logs_in_with_a_table_without_its_length(peer: Peer) -> None:
    response = _amqplain(peer.address.user, peer.address.password)
    peer.channel(mechanism="AMQPLAIN", response=response).sync()


def _refused(peer: Peer, **start_ok: object) -> Connection:
    connection = peer.stranger()
    connection.send_header_and_start_ok(**start_ok)  # type: ignore[arg-type]
    return connection


REFUSED_TEXT = (
    "Login was refused using authentication mechanism {mechanism}. "
    "For details see the broker logfile."
)
REFUSED_LOGINS = {
    "wrong-password": ("PLAIN", b"\0guest\0wrong"),
    "unknown-user": ("PLAIN", b"\0nobody-at-all\0wrong"),
    "empty-password": ("PLAIN", b"\0guest\0"),
    "amqplain-wrong-password": ("AMQPLAIN", _amqplain("guest", "wrong")),
}
REFUSED_CASES = {
    key: Case(
        given, Close(403, REFUSED_TEXT.replace("{mechanism}", given[0]), "connection", (0, 0))
    )
    for key, given in REFUSED_LOGINS.items()
}


@cases("connection.login.refused-", REFUSED_CASES, ref="1.1-login-failure", ninth=19)
def a_refused_login_is_closed_with_403(peer: Peer, given: tuple[str, bytes]) -> None:
    mechanism, response = given
    peer.expect_closed(_refused(peer, mechanism=mechanism, response=response), 0)


@check("connection.login.refused-silently", ref="1.1-login-failure", ninth=19)
def without_the_capability_a_refused_login_just_ends_after_3_s(peer: Peer) -> None:
    capabilities = {**CAPABILITIES, "authentication_failure_close": False}
    started_s = time.monotonic()
    connection = _refused(peer, capabilities=capabilities, response=b"\0guest\0wrong")
    said = connection.expect_end()
    waited_s = time.monotonic() - started_s
    assert not said, f"the broker said {said}"
    assert waited_s >= LOGIN_DELAY_S - 0.5, f"closed after {waited_s:.1f} s"


MALFORMED = {
    key: Case(given, "the end without a word, after 3 s")
    for key, given in {
        "unknown-mechanism": ("DIGEST-MD5", b""),
        "not-offered": ("EXTERNAL", b""),
        "empty-mechanism": ("", b""),
        "plain-no-nul": ("PLAIN", b"guest"),
        "plain-one-nul": ("PLAIN", b"\0guest"),
        "plain-empty": ("PLAIN", b""),
        "plain-authzid": ("PLAIN", b"someone\0guest\0guest"),
        "plain-three-nuls": ("PLAIN", b"\0guest\0guest\0guest"),
        "amqplain-empty": ("AMQPLAIN", b""),
        "amqplain-no-password": ("AMQPLAIN", fields.elements({"LOGIN": "guest"})),
    }.items()
}


@cases("connection.login.malformed-", MALFORMED, ref="1.7-errors")
def a_malformed_login_ends_the_connection(peer: Peer, given: tuple[str, bytes]) -> None:
    """The broker only logs the reply codes of §1.7; it answers no peer that has not logged in."""
    mechanism, response = given
    peer.expect_lost(_refused(peer, mechanism=mechanism, response=response))


@check("connection.start-ok.large", ref="1.1-pre-tune-limit", ninth=20)
def start_ok_may_fill_a_frame_of_4096_bytes(peer: Peer) -> None:
    own = {"capabilities": CAPABILITIES, "filler": ""}
    response = f"\0{peer.address.user}\0{peer.address.password}".encode()

    def size_bytes(filler: str) -> int:
        method = encode_method(
            commands.Connection.StartOk,
            client_properties={**own, "filler": filler},
            mechanism="PLAIN",
            response=response,
            locale="en_US",
        )
        return len(method) + 8

    filler = "x" * (4096 - size_bytes(""))
    assert size_bytes(filler) == 4096
    peer.channel(client_properties={"filler": filler}).sync()


@check(
    "connection.start-ok.8000-bytes",
    ref="1.1-pre-tune-limit",
    ninth=20,
    expect="accepted",
    on_purpose=Differs(
        "logins with a JSON Web Token need more than 4096 bytes; RabbitMQ 4.1 raised its limit too",
        "refused",
    ),
)
def start_ok_of_8000_bytes(peer: Peer) -> None:
    connection = peer.stranger()
    outcome = "accepted"
    try:
        connection.open(client_properties={"filler": "x" * 7600})
    except (ClosedByPeerError, ConnectionLostError):
        outcome = "refused"
    assert outcome == peer.expected, f"start-ok of 8000 bytes was {outcome}"


@check("connection.start-ok.1-MiB", ref="1.1-pre-tune-limit")
def start_ok_of_1_mib_ends_the_connection(peer: Peer) -> None:
    connection = peer.stranger()
    connection.send_bytes(PROTOCOL_HEADER)
    connection.expect(0, commands.Connection.Start)
    method = encode_method(
        commands.Connection.StartOk, client_properties={"filler": "x" * 2**20}, mechanism="PLAIN"
    )
    with contextlib.suppress(OSError):
        connection.send_frame(FRAME_METHOD, 0, method)
    frames = connection.expect_end()
    names = [decode_method(frame.payload).name for frame in frames]
    assert names in ([], ["Connection.Close"]), names


@check("connection.start-ok.missing-capabilities", ref="1.1-start")
def a_client_without_any_properties_may_log_in(peer: Peer) -> None:
    connection = peer.stranger()
    connection.send_bytes(PROTOCOL_HEADER)
    connection.expect(0, commands.Connection.Start)
    response = f"\0{peer.address.user}\0{peer.address.password}".encode()
    connection.send_method(
        0, commands.Connection.StartOk, mechanism="PLAIN", response=response, locale="en_US"
    )
    connection.expect(0, commands.Connection.Tune)


@check("connection.login.others-unharmed", ref="1.1-login-failure")
def a_login_that_is_being_refused_delays_nobody_else(peer: Peer) -> None:
    _refused(peer, response=b"\0guest\0wrong")
    started_s = time.monotonic()
    peer.channel().sync()
    assert time.monotonic() - started_s < 2.5


@cases(
    "connection.handshake-timeout-",
    {
        "silent": Case(b"", 10),
        "half-a-header": Case(b"AMQP", 10),
        "header": Case(PROTOCOL_HEADER, 10),
    },
    ref="1.1-handshake-timeout",
)
def a_handshake_that_takes_too_long_ends(peer: Peer, said: bytes) -> None:
    wire = peer.wire(timeout_s=peer.expected + TIMEOUT_S)
    started_s = time.monotonic()
    wire.send_bytes(said)
    wire.expect_end()
    waited_s = time.monotonic() - started_s
    assert waited_s > peer.expected - 1, f"closed after {waited_s:.1f} s"
