"""Methods: our decoder and encoder against pamqp's, bits, tables, and what is refused."""

import struct

import pytest
from pamqp import commands
from pamqp import frame as pamqp_frame

from amqp_server.wire.errors import FrameError, MethodSyntaxError, UnknownMethodError
from amqp_server.wire.methods import (
    METHODS,
    AccessRequest,
    AccessRequestOk,
    Method,
    arguments_of,
    decode_method,
    decode_shortstr,
    encode_method,
    erlang_binary,
    method_index,
    method_name,
)
from amqp_server.wire.tables import Field
from tests.support.frames import method_frame, method_payload


def from_pamqp(method: Method) -> bytes:
    """Return the payload as pamqp encodes it."""
    return pamqp_frame.marshal(method, 1)[7:-1]


@pytest.mark.parametrize(
    "method",
    [
        commands.Queue.Declare(queue="q", durable=True, auto_delete=True, nowait=True),
        commands.Queue.Declare(queue="", passive=True, exclusive=True),
        commands.Exchange.Declare(exchange="e", exchange_type="topic", internal=True),
        commands.Basic.Qos(prefetch_size=1, prefetch_count=65_535, global_=True),
        commands.Basic.Publish(exchange="e", routing_key="k", mandatory=True),
        commands.Basic.Nack(delivery_tag=2**63 - 1, multiple=True, requeue=False),
        commands.Basic.Consume(queue="q", consumer_tag="t", no_ack=True),
        commands.Connection.TuneOk(2047, 131_072, 60),
        commands.Connection.Open("/"),
        commands.Connection.Close(200, "bye", 60, 40),
        commands.Channel.Open(),
        commands.Confirm.Select(nowait=True),
        commands.Tx.Commit(),
    ],
    ids=lambda method: method.name,
)
def test_a_method_is_read_as_pamqp_wrote_it(method: Method) -> None:
    found = decode_method(from_pamqp(method))
    assert type(found) is type(method)
    assert {
        name: getattr(found, name)
        for name in method.__slots__
        if name not in {"arguments", "client_properties"}
    } == {
        name: getattr(method, name)
        for name in method.__slots__
        if name not in {"arguments", "client_properties"}
    }


def test_a_table_keeps_its_types() -> None:
    payload = method_payload(
        commands.Queue.Declare, queue="q", arguments={"x-max-length": Field("u", 5)}
    )
    found = decode_method(payload)
    assert isinstance(found, commands.Queue.Declare)
    assert arguments_of(found) == {"x-max-length": Field("u", 5)}


SERVER_METHODS = [
    commands.Connection.Tune(2047, 131_072, 60),
    commands.Connection.OpenOk(),
    commands.Connection.Blocked("low on memory"),
    commands.Channel.OpenOk(),
    commands.Channel.FlowOk(active=True),
    commands.Queue.DeclareOk("q", 3, 2),
    commands.Queue.PurgeOk(5),
    commands.Basic.ConsumeOk("tag"),
    commands.Basic.Cancel("tag", nowait=True),
    commands.Basic.GetEmpty(),
    commands.Basic.Ack(2**63 - 1, multiple=True),
    commands.Basic.Nack(1, multiple=False, requeue=False),
    commands.Tx.CommitOk(),
]


@pytest.mark.parametrize("method", SERVER_METHODS, ids=lambda method: method.name)
def test_a_reply_is_written_as_pamqp_writes_it(method: Method) -> None:
    assert encode_method(7, method) == pamqp_frame.marshal(method, 7)


def test_bits_share_octets_in_order() -> None:
    payload = method_payload(commands.Queue.Declare, queue="q", passive=True, nowait=True)
    assert payload[8] == 0b10001
    found = decode_method(payload)
    assert isinstance(found, commands.Queue.Declare)
    bits = (found.passive, found.durable, found.exclusive, found.auto_delete, found.nowait)
    assert bits == (True, False, False, False, True)


def test_the_old_ticket_methods_are_known() -> None:
    found = decode_method(method_payload(AccessRequest, realm="/data", active=True, read=True))
    assert isinstance(found, AccessRequest)
    assert encode_method(1, AccessRequestOk()) == method_frame(1, AccessRequestOk, ticket=1)


@pytest.mark.parametrize("index", sorted(METHODS))
def test_a_method_cut_anywhere_is_refused(index: int) -> None:
    payload = method_payload(METHODS[index])
    decode_method(payload)
    for size in range(4, len(payload)):
        with pytest.raises(FrameError, match="cannot decode"):
            decode_method(payload[:size])


def test_a_table_that_has_room_and_cannot_be_read_is_a_syntax_error() -> None:
    with pytest.raises(MethodSyntaxError, match="unknown field type"):
        decode_method(method_payload(commands.Queue.Declare, arguments=b"\0\0\0\x03\x01aZ"))


@pytest.mark.parametrize("index", sorted(METHODS))
def test_bytes_after_the_arguments_are_refused(index: int) -> None:
    with pytest.raises(FrameError) as caught:
        decode_method(method_payload(METHODS[index]) + b"\x00")
    assert caught.value.method_index == index
    assert str(caught.value).startswith("cannot decode <<")


def test_a_string_longer_than_the_frame_is_refused() -> None:
    payload = struct.pack(">I", commands.Connection.Open.index) + b"\xff/"
    with pytest.raises(FrameError, match=r"cannot decode <<255,47>>"):
        decode_method(payload)


def test_a_name_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(FrameError, match="Malformed UTF-8 in shortstr"):
        decode_method(method_payload(commands.Queue.Declare, queue=b"\xc3\x28"))


def test_a_login_response_is_bytes() -> None:
    payload = method_payload(commands.Connection.StartOk, response=b"\0guest\0\xff")
    found = decode_method(payload)
    assert isinstance(found, commands.Connection.StartOk)
    response: object = found.response
    assert response == b"\0guest\0\xff"


@pytest.mark.parametrize("ids", [(60, 99), (0, 0), (61, 10), (65_535, 65_535)])
def test_an_unknown_method_is_told_by_its_ids(ids: tuple[int, int]) -> None:
    with pytest.raises(UnknownMethodError) as caught:
        decode_method(struct.pack(">HH", *ids))
    assert caught.value.method_index == ids[0] << 16 | ids[1]


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x3c\x00"])
def test_a_method_without_its_ids_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError, match="unknown_frame"):
        method_index(payload)


def test_a_shortstr_is_utf8() -> None:
    assert decode_shortstr("grüße".encode()) == "grüße"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "<<>>"),
        (b"abc", '<<"abc">>'),
        (b"a\x00", "<<97,0>>"),
        ("é".encode(), "<<195,169>>"),
        (b"\n", "<<10>>"),
    ],
)
def test_bytes_are_printed_as_erlang_prints_them(octets: bytes, expected: str) -> None:
    assert erlang_binary(octets) == expected


def test_of_many_bytes_only_those_that_fit_a_reply_are_printed() -> None:
    assert erlang_binary(b"x" * 100_000) == f'<<"{"x" * 256}">>'


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (50 << 16 | 10, "queue.declare"),
        (60 << 16 | 21, "basic.consume-ok"),
        (60 << 16 | 100, "basic.recover-async"),
        (30 << 16 | 10, "access.request"),
        (99 << 16 | 7, "99.7"),
        (0, "-"),
    ],
)
def test_a_method_has_the_specifications_name(index: int, name: str) -> None:
    assert method_name(index) == name
