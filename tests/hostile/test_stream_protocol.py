"""The stream protocol and a peer that means ill: codes, bounds, and others who have their turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.groups.single_active import Groups
from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64, string, string_map, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from exchanges.bindings import Destination, DestinationKind
from tests.support.counted_clock import budget_of
from tests.support.peer import Node
from tests.support.stream_peer import (
    CORRELATION_ID,
    Answer,
    StreamPeer,
    at_offset,
    ok,
    publish_body,
    publish_each,
    publish_errors,
    refused,
)

MANY = 20_000
UNKNOWN = U32.pack(0) + U16.pack(Code.UNKNOWN_FRAME) + string("unknown frame")
ID = U32.pack(CORRELATION_ID)
PIECES_PER_TURN = 12
REQUESTS = [
    each
    for each in CommandKey
    if each
    not in {
        CommandKey.PUBLISH,
        CommandKey.CREDIT,
        CommandKey.STORE_OFFSET,
        CommandKey.DELIVER,
        CommandKey.PUBLISH_CONFIRM,
        CommandKey.PUBLISH_ERROR,
        CommandKey.METADATA_UPDATE,
        CommandKey.CONSUMER_UPDATE,
        CommandKey.HEARTBEAT,
        CommandKey.CLOSE,
    }
]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


def turns_of(node: Node, peer: StreamPeer, data: bytes, reads: bool = True) -> int:
    """Send it all at once; return how many turns it takes, of so many pieces each."""
    broker = node.broker
    broker.turn.budget = budget_of(PIECES_PER_TURN)
    broker.turn.budget.begin()
    peer.connection.receive_data(data, node.now_ms)
    turns_count = 1
    while True:
        broker.turn.budget.begin()
        if not broker.end_turn(node.now_ms):
            break
        if reads:
            peer.connection.data_to_send()
        turns_count += 1
        assert turns_count < 100_000
    broker.turn.budget = budget_of(1 << 60)
    broker.turn.budget.begin()
    return turns_count


@pytest.mark.parametrize("key", REQUESTS)
@pytest.mark.parametrize("version", [0, 2, 0xFFFF])
def test_another_version_than_1_is_no_command(peer: StreamPeer, key: int, version: int) -> None:
    peer.send(key, ID, version=version)
    assert peer.receive()[0].body == UNKNOWN


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (CommandKey.SUBSCRIBE, b"\1" + string("s") + b"\0\0" + b"\0\1"),
        (CommandKey.SUBSCRIBE, b"\1" + string("s") + b"\0\6" + b"\0\1"),
        (CommandKey.SUBSCRIBE, b"\1" + string("s") + b"\0\4" + b"\0\1"),
        (CommandKey.SUBSCRIBE, b"\1" + string("s") + b"\0\1" + b"\0\1" + I32.pack(4_097)),
        (CommandKey.METADATA, I32.pack(2) + string("one")),
        (CommandKey.METADATA, I32.pack(0x7FFFFFFF)),
        (CommandKey.METADATA, I32.pack(1) + b"\x7f\xffx"),
        (CommandKey.CREATE, string("s") + string_map({"a": "b"}) + b"x"),
        (CommandKey.EXCHANGE_COMMAND_VERSIONS, I32.pack(4_097) + bytes(6 * 4_097)),
        (CommandKey.EXCHANGE_COMMAND_VERSIONS, I32.pack(1) + bytes(5)),
        (CommandKey.DECLARE_PUBLISHER, b""),
        (CommandKey.STREAM_STATS, b"\0\5s"),
        (CommandKey.CREATE_SUPER_STREAM, string("s") + I32.pack(1 << 20)),
        (CommandKey.RESOLVE_OFFSET_SPEC, string("s")),
    ],
)
def test_a_body_that_is_none_ends_the_connection(
    peer: StreamPeer, key: CommandKey, body: bytes
) -> None:
    peer.create("s")
    peer.request(key, body)
    (answer,) = peer.receive()
    assert (answer.key, answer.body) == (CommandKey.CLOSE, UNKNOWN)


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        (CommandKey.SUBSCRIBE, b"\1" + string("none") + b"\0\1\0\1", Code.STREAM_DOES_NOT_EXIST),
        (CommandKey.UNSUBSCRIBE, b"\7", Code.SUBSCRIPTION_ID_DOES_NOT_EXIST),
        (CommandKey.DELETE_PUBLISHER, b"\7", Code.PUBLISHER_DOES_NOT_EXIST),
        (CommandKey.DELETE, string("none"), Code.STREAM_DOES_NOT_EXIST),
        (CommandKey.CREATE, string("") + string_map({}), Code.PRECONDITION_FAILED),
        (CommandKey.CREATE, string("s") + string_map({}), Code.STREAM_ALREADY_EXISTS),
        (CommandKey.CREATE, string("n") + string_map({"max-age": "x"}), Code.PRECONDITION_FAILED),
        (CommandKey.PARTITIONS, string("none"), Code.STREAM_DOES_NOT_EXIST),
        (CommandKey.ROUTE, string("k") + string(""), Code.STREAM_DOES_NOT_EXIST),
        (CommandKey.DELETE_SUPER_STREAM, string("none"), Code.STREAM_DOES_NOT_EXIST),
        (CommandKey.STREAM_STATS, string("none"), Code.STREAM_DOES_NOT_EXIST),
        (
            CommandKey.DECLARE_PUBLISHER,
            b"\1" + string("r" * 256) + string("s"),
            Code.PRECONDITION_FAILED,
        ),
        (
            CommandKey.CREATE_SUPER_STREAM,
            string("p") + strings(["p-0"]) + strings([]) + string_map({}),
            Code.PRECONDITION_FAILED,
        ),
    ],
)
def test_what_is_refused_has_its_code_and_harms_nothing(
    peer: StreamPeer, key: CommandKey, body: bytes, code: Code
) -> None:
    peer.create("s")
    peer.request(key, body)
    assert peer.receive() == [refused(key, code)]
    peer.create("another")


@pytest.mark.parametrize("spec", [at_offset((1 << 64) - 1), b"\0\5" + b"\x80" + bytes(7)])
def test_an_offset_or_time_out_of_all_bounds_begins_at_an_end(
    peer: StreamPeer, spec: bytes
) -> None:
    peer.create("s")
    peer.declare_publisher("s")
    publish_each(peer, b"one")
    peer.subscribe("s", spec=spec)
    assert peer.receive()[0] == ok(CommandKey.SUBSCRIBE)
    peer.create("another")


def test_credit_never_overflows(peer: StreamPeer) -> None:
    peer.create("s")
    peer.subscribe("s", credit=0xFFFF)
    peer.send_bytes(frame(CommandKey.CREDIT, U8.pack(1) + U16.pack(0xFFFF)) * 100)
    assert len(peer.receive()) == 1


def test_answers_that_lie_are_ignored(node: Node) -> None:
    peer = StreamPeer.open(node, groups=Groups())
    peer.create("s")
    properties = {"single-active-consumer": "true", "name": "n"}
    peer.subscribe("s", properties=properties)
    peer.receive()
    lies = [U32.pack(99) + b"\0\1\0\1", U32.pack(1) + b"\0\x0f" + at_offset((1 << 64) - 1)]
    for lie in (*lies, *lies):
        peer.send(CommandKey.CONSUMER_UPDATE | RESPONSE, lie)
    assert peer.receive() == []
    peer.create("another")


def test_metadata_of_half_a_million_names_is_cut(node: Node, peer: StreamPeer) -> None:
    names = 100_000
    asked = frame(CommandKey.METADATA, ID + I32.pack(names) + bytes(2 * names))
    assert turns_of(node, peer, asked, reads=False) > names // 256 // PIECES_PER_TURN
    (answer,) = peer.receive()
    assert answer.key == CommandKey.METADATA | RESPONSE
    assert len(answer.body) > 10 * names


def test_a_fault_that_is_found_in_a_later_turn_ends_the_connection(
    node: Node, peer: StreamPeer
) -> None:
    names = 100_000
    body = ID + I32.pack(names) + bytes(2 * (names - 1)) + b"\0\1"
    turns_of(node, peer, frame(CommandKey.METADATA, body) * 2, reads=False)
    (answer,) = peer.receive()
    assert (answer.key, answer.body) == (CommandKey.CLOSE, UNKNOWN)


def test_the_partitions_of_an_exchange_with_many_bindings_are_cut(
    node: Node, peer: StreamPeer
) -> None:
    client = node.open()
    client.declare("q")
    for number in range(5_000):
        node.vhost.bind("amq.topic", Destination(DestinationKind.QUEUE, "q"), f"k{number}", {})
    asked = frame(CommandKey.PARTITIONS, ID + string("amq.topic"))
    assert turns_of(node, peer, asked, reads=False) > 1
    assert peer.receive() == [ok(CommandKey.PARTITIONS, I32.pack(0))]
    peer.create("s")
    properties = {"single-active-consumer": "true", "name": "n", "super-stream": "amq.topic"}
    body = ID + b"\1" + string("s") + b"\0\1\0\1" + string_map(properties)
    assert turns_of(node, peer, frame(CommandKey.SUBSCRIBE, body), reads=False) > 1
    assert peer.receive()[0] == ok(CommandKey.SUBSCRIBE)


@pytest.mark.parametrize(
    "octets",
    [
        frame(CommandKey.CREDIT, U8.pack(9) + U16.pack(1)),
        frame(CommandKey.PUBLISH, publish_body(9, *[(number, b"") for number in range(1_000)])),
        frame(CommandKey.METADATA, ID + strings(["none"] * 100)),
        frame(CommandKey.QUERY_OFFSET, ID + string("r") + string("none")),
        frame(CommandKey.EXCHANGE_COMMAND_VERSIONS, ID + I32.pack(0)),
        frame(CommandKey.UNSUBSCRIBE, ID + b"\1"),
        frame(CommandKey.STREAM_STATS, ID + string("s")),
    ],
)
def test_answers_that_nobody_reads_are_bounded(node: Node, peer: StreamPeer, octets: bytes) -> None:
    peer.create("s")
    turns_of(node, peer, octets * MANY, reads=False)
    assert sum(map(len, peer.connection.data_to_send())) < 4 << 20


def test_stored_offsets_of_many_names_are_few(node: Node, peer: StreamPeer) -> None:
    peer.create("s")
    stores = [
        frame(CommandKey.STORE_OFFSET, string(f"r{number}") + string("s") + U64.pack(number))
        for number in range(MANY)
    ]
    turns_of(node, peer, b"".join(stores))
    stream = node.vhost.queues.find("s")
    assert stream is not None
    assert stream.stream is not None
    kept = [stream.stream.log.stored_offset(b"r%d" % number) for number in range(MANY)]
    assert [each for each in kept if each is not None] == list(range(MANY - 255, MANY))


def test_a_super_stream_is_deleted_while_it_is_used(node: Node) -> None:
    peer, other = StreamPeer.open(node), StreamPeer.open(node)
    names = [f"p-{number}" for number in range(200)]
    made = [string("p"), strings(names), strings(names), string_map({})]
    assert peer.ask(CommandKey.CREATE_SUPER_STREAM, *made) == ok(CommandKey.CREATE_SUPER_STREAM)
    for number, name in enumerate(names):
        other.declare_publisher(name, number)
        other.subscribe(name, number)
        other.receive()
    asked = frame(CommandKey.DELETE_SUPER_STREAM, ID + string("p"))
    assert turns_of(node, peer, asked) > 1
    told = [answer.body for answer in other.receive()]
    assert sorted(told) == sorted(U16.pack(6) + string(name) for name in names)
    other.send(CommandKey.PUBLISH, publish_body(7, (1, b"x")))
    assert [answer.key for answer in other.receive()] == [CommandKey.PUBLISH_ERROR]


def test_what_comes_before_the_end_of_a_stream_is_told_is_not_confirmed(node: Node) -> None:
    peer, other = StreamPeer.open(node), StreamPeer.open(node)
    peer.create("s")
    other.declare_publisher("s")
    other.subscribe("s", credit=1)
    other.receive()
    node.broker.turn.budget = budget_of(2)
    node.broker.turn.budget.begin()
    peer.connection.receive_data(frame(CommandKey.DELETE, ID + string("s")), node.now_ms)
    assert node.vhost.queues.find("s") is None
    other.connection.receive_data(
        frame(CommandKey.PUBLISH, publish_body(1, (5, b"x")))
        + frame(CommandKey.CREDIT, U8.pack(1) + U16.pack(1)),
        node.now_ms,
    )
    node.broker.turn.budget = budget_of(1 << 60)
    node.broker.turn.budget.begin()
    assert other.receive() == [
        publish_errors(1, Code.STREAM_NOT_AVAILABLE, 5),
        Answer(CommandKey.METADATA_UPDATE, U16.pack(Code.STREAM_NOT_AVAILABLE) + string("s")),
    ]


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (CommandKey.CREATE, string("n")),
        (CommandKey.SUBSCRIBE, b"\1" + string("s") + b"\0\1\0\1"),
        (CommandKey.RESOLVE_OFFSET_SPEC, string("s") + b"\0\1"),
        (CommandKey.CREATE_SUPER_STREAM, string("p") + strings(["a"]) + strings(["b"])),
    ],
)
def test_the_entries_of_a_map_are_read_in_pieces(
    node: Node, peer: StreamPeer, key: CommandKey, body: bytes
) -> None:
    peer.create("s")
    named = string_map({f"filter.{number}": "v" for number in range(4_096)})
    assert turns_of(node, peer, frame(key, ID + body + named), reads=False) > 1
    (answer,) = peer.receive()
    assert answer.key == key | RESPONSE
    assert answer.body[4:6] == U16.pack(Code.OK)


def test_the_filter_values_of_a_connection_are_bounded(peer: StreamPeer) -> None:
    peer.create("s")
    large = {f"filter.{number}": "v" * 240 for number in range(2_000)}
    for number in range(2):
        peer.subscribe("s", number, properties=large)
        assert peer.receive() == [ok(CommandKey.SUBSCRIBE)]
    peer.subscribe("s", 2, properties=large)
    assert peer.receive() == [refused(CommandKey.SUBSCRIBE, Code.PRECONDITION_FAILED)]
    assert peer.ask(CommandKey.UNSUBSCRIBE, b"\0") == ok(CommandKey.UNSUBSCRIBE)
    peer.subscribe("s", 2, properties=large)
    assert peer.receive() == [ok(CommandKey.SUBSCRIBE)]


def test_a_super_stream_of_very_many_partitions_is_refused(node: Node, peer: StreamPeer) -> None:
    names = [str(number) for number in range(20_000)]
    body = string("p") + strings(names) + strings(names) + string_map({})
    turns_count = turns_of(node, peer, frame(CommandKey.CREATE_SUPER_STREAM, ID + body))
    assert turns_count > 40_000 // 256 // PIECES_PER_TURN
    assert node.vhost.exchanges.exists("p") is False


KEYS = st.sampled_from([*CommandKey, CommandKey.CONSUMER_UPDATE | RESPONSE, 0, 0x7F, 0xFFFF])
TEXTS = st.sampled_from(["s", "p", "p-0", "", "amq.topic", "none"]).map(string)
FIELDS = st.one_of(
    TEXTS,
    st.binary(max_size=5),
    st.sampled_from([ID, b"\1", b"\0\1", b"\0\1\0\1", I32.pack(-1), I32.pack(1), bytes(8)]),
    st.just(string_map({"single-active-consumer": "true", "name": "n", "super-stream": "p"})),
    st.just(publish_body(1, (1, b"m"))),
)
FRAMES = st.builds(
    lambda key, has_id, fields, version: frame(
        key, (ID if has_id else b"") + b"".join(fields), version
    ),
    KEYS,
    st.booleans(),
    st.lists(FIELDS, max_size=5),
    st.sampled_from([1, 1, 1, 2]),
)


@given(st.lists(FRAMES | st.binary(max_size=12), max_size=8), st.booleans(), st.integers(1, 40))
def test_whatever_comes_nothing_raises_and_nobody_else_is_harmed(
    parts: list[bytes], is_open: bool, size: int
) -> None:
    node = Node()
    other = StreamPeer.open(node)
    other.create("s")
    both = strings(["p-0", "p-1"])
    other.request(CommandKey.CREATE_SUPER_STREAM, string("p"), both, both, string_map({}))
    other.receive()
    peer = StreamPeer.open(node) if is_open else StreamPeer(node)
    if is_open:
        peer.declare_publisher("s")
        peer.subscribe("s")
    data = b"".join(parts)
    for at in range(0, len(data), size):
        peer.send_bytes(data[at : at + size])
    closes = [each for each in peer.receive() if each.key == CommandKey.CLOSE]
    assert all(each.body[4:6] != U16.pack(Code.INTERNAL_ERROR) for each in closes)
    peer.connection.lose(node.now_ms)
    node.end_turns()
    other.receive()
    other.create("works")
