"""Broken sessions fed to a connection: it never raises, never blames itself, disturbs nobody."""

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.protocol.transitions import State
from tests.support.classic_queue import classic
from tests.support.frames import FRAME_END
from tests.support.peer import Client, Node, decode
from tests.support.sessions import DECLARES, HANDSHAKE, WHOLE

OUTPUT_MAX_BYTES = 1_048_576
HEAD_BYTES = 7

Mutation = tuple[str, int, int, bytes]
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "double", "swap", "channel", "payload", "payload", "any", "cut"]),
        st.integers(0, 1000),
        st.integers(0, 1000),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


def broken(frames: list[bytes], mutations: list[Mutation]) -> list[bytes]:
    """Return the frames of a session after some accidents."""
    found = list(frames)
    for kind, where, offset, octets in mutations:
        at = where % len(found)
        data = found[at]
        match kind:
            case "drop" if len(found) > 1:
                del found[at]
            case "double":
                found.insert(at, data)
            case "swap":
                other = offset % len(found)
                found[at], found[other] = found[other], found[at]
            case "channel":
                found[at] = data[:1] + bytes((0, octets[0] % 5)) + data[3:]
            case "payload" if len(data) > HEAD_BYTES + 1:
                # Lengths stay right, so that what is wrong is found late.
                start = HEAD_BYTES + offset % (len(data) - HEAD_BYTES - 1)
                stop = min(start + len(octets), len(data) - 1)
                found[at] = data[:start] + octets[: stop - start] + data[stop:]
            case "any":
                start = offset % (len(data) + 1)
                found[at] = data[:start] + octets + data[start + len(octets) :]
            case _:
                found[at] = data[: offset % (len(data) + 1)]
    return found


def feed(peer: Client, data: bytes, sizes: list[int]) -> bytes:
    """Send bytes in reads of these sizes, in turn; return what came back."""
    received = b""
    start = 0
    for number in range(len(data)):
        if start >= len(data):
            break
        size = sizes[number % len(sizes)]
        peer.send_bytes(data[start : start + size])
        start += size
        assert peer.connection._outbox.size_bytes < OUTPUT_MAX_BYTES, "output is bounded"
        if number % 3 == 0:
            received += peer.read_bytes()
    return received + peer.read_bytes()


def codes(octets: bytes) -> list[int | None]:
    """Return the reply codes of every close in an output."""
    methods = [one.method for one in decode(octets)]
    closes = (commands.Connection.Close, commands.Channel.Close)
    return [method.reply_code for method in methods if isinstance(method, closes)]


def check_survival(node: Node, peer: Client, canary: Client, output: bytes) -> None:
    """Assert that only the broken client has suffered."""
    assert isinstance(peer.connection.life.state, State)
    assert 541 not in codes(output), "an internal error is a bug"
    assert canary.works()
    node.advance(60_000)
    peer.connection.receive_eof(node.now_ms)
    node.end_turns()
    assert peer.is_closed()
    assert list(node.broker.connections()) == [canary.connection.session]
    assert all(queue.owner is None for queue in node.vhost.queues)
    assert all(queue.engine.consumer_count == 0 for queue in node.vhost.queues)
    assert all(classic(queue.engine).counts().unacked_count == 0 for queue in node.vhost.queues)
    for queue in node.vhost.queues:
        classic(queue.engine).check_invariants()


SIZES = st.lists(st.sampled_from([1, 5, 40, 300, 5000]), min_size=1, max_size=4)


def test_the_session_itself_is_flawless() -> None:
    """Else the accidents would happen to what is broken already."""
    node = Node()
    canary, peer = node.open(), node.connect()
    output = b""
    for data in [*HANDSHAKE, *WHOLE]:
        peer.send_bytes(data)
        output += peer.read_bytes()
    assert codes(output) == [404], "the publish to no exchange"
    assert peer.is_closed()
    check_survival(node, peer, canary, output)


@settings(deadline=None)
@given(mutations=MUTATIONS, sizes=SIZES)
def test_a_broken_session_harms_nobody_else(mutations: list[Mutation], sizes: list[int]) -> None:
    node = Node()
    canary, peer = node.open(), node.connect()
    data = b"".join([*HANDSHAKE, *broken(WHOLE, mutations)])
    check_survival(node, peer, canary, feed(peer, data, sizes))


@settings(deadline=None)
@given(mutations=MUTATIONS, sizes=SIZES)
def test_a_broken_handshake_harms_nobody_else(mutations: list[Mutation], sizes: list[int]) -> None:
    node = Node()
    canary, peer = node.open(), node.connect()
    data = b"".join([*broken(HANDSHAKE, mutations), *DECLARES])
    output = feed(peer, data, sizes)
    if output[:4] == b"AMQP":
        assert peer.is_closed()
        assert output == HANDSHAKE[0]
        output = b""
    check_survival(node, peer, canary, output)


@settings(deadline=None)
@given(
    noise=st.lists(
        st.tuples(
            st.sampled_from([1, 1, 1, 2, 3, 8]),
            st.integers(0, 3),
            st.one_of(
                st.binary(max_size=40),
                st.tuples(
                    st.sampled_from(
                        [
                            b"\x00\x0a",
                            b"\x00\x14",
                            b"\x00\x28",
                            b"\x00\x32",
                            b"\x00\x3c",
                            b"\x00\x5a",
                        ]
                    ),
                    st.sampled_from([10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 70, 80, 90, 120]),
                    st.binary(max_size=30),
                ).map(lambda parts: parts[0] + bytes((0, parts[1])) + parts[2]),
            ),
        ),
        max_size=12,
    )
)
def test_frames_of_noise_harm_nobody_else(noise: list[tuple[int, int, bytes]]) -> None:
    node = Node()
    canary, peer = node.open(), node.connect()
    frames = [
        bytes((kind, 0, channel)) + len(payload).to_bytes(4, "big") + payload + FRAME_END
        for kind, channel, payload in noise
    ]
    data = b"".join([*HANDSHAKE, *DECLARES, *frames])
    check_survival(node, peer, canary, feed(peer, data, [10_000]))
