"""The buffer of a loop's reads: a rest comes right before what continues it."""

import pytest

from amqp_server.net.receive_buffer import REST_BYTES_MAX, ReceiveBuffer


@pytest.fixture
def buffer() -> ReceiveBuffer:
    return ReceiveBuffer(64)


def test_a_read_may_fill_what_is_lent(buffer: ReceiveBuffer) -> None:
    assert len(buffer.lent) == 64
    buffer.lent[:3] = b"abc"
    assert bytes(buffer.received(3, b"")) == b"abc"


@pytest.mark.parametrize("rest", [b"r", b"r" * 65, bytes(REST_BYTES_MAX)])
def test_a_rest_comes_in_front_of_the_read(buffer: ReceiveBuffer, rest: bytes) -> None:
    buffer.lent[:] = bytes(range(64))
    assert bytes(buffer.received(64, rest)) == rest + bytes(range(64))


def test_less_is_lent_and_all_of_it_again(buffer: ReceiveBuffer) -> None:
    buffer.lend(16)
    assert len(buffer.lent) == 16
    buffer.lent[:] = bytes(range(16))
    assert bytes(buffer.received(16, b"rest")) == b"rest" + bytes(range(16))
    buffer.lend(64)
    assert len(buffer.lent) == 64


def test_the_rest_of_one_connection_is_not_seen_by_the_next(buffer: ReceiveBuffer) -> None:
    buffer.received(0, b"secret")
    buffer.lent[:1] = b"x"
    assert bytes(buffer.received(1, b"")) == b"x"


def test_what_was_read_is_not_moved(buffer: ReceiveBuffer) -> None:
    data = buffer.received(2, b"rest")
    buffer.lent[:2] = b"ok"
    assert bytes(data) == b"restok"
