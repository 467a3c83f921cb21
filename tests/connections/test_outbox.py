"""Output of one connection: order, the watermark, and who is woken."""

import pytest

from amqp_server.connections.outbox import Outbox

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


def test_it_is_full_from_the_watermark_on_until_all_is_taken(box: Box) -> None:
    sizes = []
    for octets in (b"x" * 9, b"x" * 5):
        sizes.append((box.size_bytes, box.is_full))
        box.write(octets)
    sizes.append((box.size_bytes, box.is_full))
    box.take()
    assert [*sizes, (box.size_bytes, box.is_full)] == [
        (0, False),
        (9, False),
        (14, True),
        (0, False),
    ]


def test_replies_have_room_for_as_much_again(box: Box) -> None:
    box.write(b"x" * 19)
    assert box.size_bytes < box.overfull_bytes
    box.write(b"x")
    assert box.size_bytes >= box.overfull_bytes


def test_a_full_transport_leaves_no_room(box: Box) -> None:
    fullness = [box.is_full]
    for box.transport_full in (True, False):
        fullness.append(box.is_full)
    assert fullness == [False, True, False]


def test_pieces_keep_their_place_and_are_not_joined(box: Box) -> None:
    view = memoryview(b"view")
    box.write(b"a")
    assert box.deliver_all([b"b", view, b"c"]) == 6
    box.write(b"d")
    assert box.size_bytes == 8
    assert len(box.wakes) == 1
    assert box.take() == [b"a", b"b", view, b"c", b"d"]


def test_pieces_wake_the_transport_too(box: Box) -> None:
    box.deliver_all([b"ab"])
    assert len(box.wakes) == 1


def test_what_is_held_leaves_after_its_release_and_in_its_place(box: Box) -> None:
    box.write(b"before")
    box.hold()
    box.write(b"held")
    assert box.take() == [b"before"]
    box.write(b"after")
    assert box.take() == []
    assert box.size_bytes == len(b"heldafter")
    box.release()
    assert box.take() == [b"held", b"after"]
    assert box.size_bytes == 0


def test_a_box_that_holds_is_overfull_until_its_release(box: Box) -> None:
    box.hold()
    assert (box.is_full, box.full_bytes, box.overfull_bytes) == (True, 0, 0)
    box.release()
    limits = (WATERMARK_BYTES, 2 * WATERMARK_BYTES)
    assert (box.is_full, box.full_bytes, box.overfull_bytes) == (False, *limits)


def test_a_held_reply_can_be_taken_back_and_nothing_else(box: Box) -> None:
    box.write(b"before")
    box.hold()
    box.write(b"held")
    box.write(b"after")
    box.withdraw()
    assert box.size_bytes == box.answers_bytes == len(b"beforeafter")
    assert box.take() == [b"before", b"after"]
    assert not box.is_full


def test_nothing_is_taken_back_once_nobody_takes_anything(box: Box) -> None:
    box.hold()
    box.write(b"held")
    box.abandon()
    box.withdraw()
    assert box.take() == []


def test_a_release_wakes_the_transport(box: Box) -> None:
    box.hold()
    box.write(b"held")
    box.take()
    wakes_count = len(box.wakes)
    box.release()
    assert len(box.wakes) == wakes_count + 1


def test_a_heartbeat_passes_what_is_held(box: Box) -> None:
    box.write_past_held(b"1")
    box.hold()
    box.write(b"held")
    box.write_past_held(b"2")
    assert box.take() == [b"1", b"2"]
    box.release()
    assert box.take() == [b"held"]
