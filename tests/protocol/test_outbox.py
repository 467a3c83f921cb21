"""Output of one connection: order, the watermark, and who is woken."""

import pytest

from amqp_server.protocol.outbox import Outbox

WATERMARK_BYTES = 10


class Box(Outbox):
    """An outbox that counts how often it woke the transport."""

    __slots__ = ("wakes",)

    def __init__(self) -> None:
        self.wakes: list[None] = []
        super().__init__(WATERMARK_BYTES, lambda: self.wakes.append(None))


@pytest.fixture
def box() -> Box:
    return Box()


def test_bytes_leave_in_order_and_once(box: Box) -> None:
    box.write(b"a")
    box.write(b"b")
    assert box.take() == [b"a", b"b"]
    assert box.take() == []
    assert box.size_bytes == 0


def test_the_first_write_after_a_take_wakes_the_transport(box: Box) -> None:
    box.write(b"a")
    box.write(b"b")
    assert len(box.wakes) == 1
    box.take()
    box.write(b"c")
    assert len(box.wakes) == 2


def test_room_shrinks_to_the_watermark_and_never_below_zero(box: Box) -> None:
    assert (box.room_bytes, box.is_full) == (10, False)
    box.write(b"x" * 9)
    assert (box.room_bytes, box.is_full) == (1, False)
    box.write(b"x" * 5)
    assert (box.room_bytes, box.is_full) == (0, True)
    box.take()
    assert (box.room_bytes, box.is_full) == (10, False)


def test_replies_have_room_for_as_much_again(box: Box) -> None:
    box.write(b"x" * 19)
    assert box.size_bytes < box.overfull_bytes
    box.write(b"x")
    assert box.size_bytes >= box.overfull_bytes


def test_a_full_transport_leaves_no_room(box: Box) -> None:
    box.transport_full = True
    assert (box.room_bytes, box.is_full) == (0, True)
    box.transport_full = False
    assert box.room_bytes == 10
