"""The relay makes deliveries of publishes, however the reads cut them."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import relay
from benchmarks.relay import Link, UnspokenError
from load_generator import wire
from load_generator.confirms import ConfirmCounter
from load_generator.counting import DeliveryCounter

SELECT = wire.method(1, wire.CONFIRM_SELECT, b"\x00")


def publish(body_size_bytes: int = 12) -> bytes:
    return wire.publish("", "q", wire.properties(), b"x" * body_size_bytes)


def feed(link: Link, octets: bytes, target: Link | None, piece_bytes: int) -> tuple[bytes, bytes]:
    """Hand over bytes as reads would; return the answers and the deliveries."""
    answers = deliveries = b""
    while octets:
        room = link.room()
        piece = octets[: min(piece_bytes, len(room))]
        room[: len(piece)] = piece
        answer, pieces = link.received(len(piece), target)
        answers += answer
        deliveries += b"".join(pieces)
        octets = octets[len(piece) :]
    return answers, deliveries


def delivered_count(octets: bytes) -> int:
    """Return how many deliveries these octets are, which have to be nothing else."""
    counter = DeliveryCounter(len(octets) + 1)
    counter.room()[: len(octets)] = octets
    counter.received(len(octets))
    assert counter.delivery_count == 0 or counter.room()
    assert len(counter.room()) == len(octets) + 1, "nothing is left over"
    return counter.delivery_count


def select_ok_length(answers: bytes) -> int:
    start, select_ok = relay._START, wire.method(1, wire.CONFIRM_SELECT_OK)
    assert answers.startswith(start + select_ok)
    return len(start + select_ok)


@given(
    sizes_bytes=st.lists(st.sampled_from([0, 12, 12, 300, 140_000]), min_size=1, max_size=6),
    piece_bytes=st.integers(1, 400).map(lambda share: share * 700),
)
def test_every_publish_becomes_a_delivery_and_is_confirmed(
    sizes_bytes: list[int], piece_bytes: int
) -> None:
    stream = wire.PROTOCOL_HEADER + SELECT + b"".join(map(publish, sizes_bytes))
    answers, deliveries = feed(Link(), stream, Link(), piece_bytes)
    assert delivered_count(deliveries) == len(sizes_bytes)
    confirms = ConfirmCounter()
    confirms.received(answers[select_ok_length(answers) :])
    assert confirms.confirmed_count == len(sizes_bytes)


@pytest.mark.parametrize("piece_bytes", range(1, 40))
def test_short_reads_cut_anywhere(piece_bytes: int) -> None:
    stream = wire.PROTOCOL_HEADER + SELECT + publish(0) + publish(30) + publish()
    _answers, deliveries = feed(Link(), stream, Link(), piece_bytes)
    assert delivered_count(deliveries) == 3


def test_without_a_consumer_what_is_published_is_dropped() -> None:
    answers, deliveries = feed(Link(), wire.PROTOCOL_HEADER + publish(), None, 1_000)
    assert (answers, deliveries) == (relay._START, b"")


def test_what_only_a_broker_can_do_is_refused() -> None:
    declare = wire.exchange_declare(1, "e", "topic")
    with pytest.raises(UnspokenError, match="does not speak"):
        feed(Link(), wire.PROTOCOL_HEADER + declare, None, 1_000)


def test_a_method_that_never_ends_is_not_kept() -> None:
    link = Link()
    endless = wire.frame(wire.FRAME_METHOD, 1, bytes(1 << 20))
    with pytest.raises(UnspokenError, match="larger"):
        feed(link, wire.PROTOCOL_HEADER + endless, None, 1 << 18)


def test_what_a_client_publishes_goes_to_whoever_consumes_elsewhere() -> None:
    (publisher, at_publisher), (consumer, at_consumer) = socket.socketpair(), socket.socketpair()
    links = {publisher: Link(), consumer: Link()}
    count = relay._PIECES_MAX
    with publisher, at_publisher, consumer, at_consumer:
        subscribe = wire.consume(1, "q", "c", no_ack=True)
        at_consumer.sendall(wire.PROTOCOL_HEADER + subscribe)
        assert relay._relay(consumer, links[consumer], links)
        assert at_consumer.recv(1_000).startswith(relay._START)
        stream = wire.PROTOCOL_HEADER + publish() * count
        for start in range(0, len(stream), 8_000):
            at_publisher.sendall(stream[start : start + 8_000])
            assert relay._relay(publisher, links[publisher], links)
        delivered = b""
        while links[consumer].delivered_count and len(delivered) < count * delivery_bytes():
            delivered += at_consumer.recv(1 << 18)
        assert delivered_count(delivered) == count
        at_publisher.shutdown(socket.SHUT_WR)
        assert not relay._relay(publisher, links[publisher], links)


def delivery_bytes() -> int:
    _answers, deliveries = feed(Link(), wire.PROTOCOL_HEADER + publish(), Link(), 1_000)
    return len(deliveries)


def test_a_write_of_more_pieces_than_one_call_takes_is_whole() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        relay._send_all(ours, [b"a"] * (relay._PIECES_MAX + 1) + [b"b"])
        assert theirs.recv(1 << 16) == b"a" * (relay._PIECES_MAX + 1) + b"b"
