"""Content frame by frame: what completes it, what may not stand there, what is not kept."""

import pytest

from amqp_server.protocol.assembly import HEAD_BYTES, Assembly
from amqp_server.wire.constants import BODY_MAX_BYTES
from amqp_server.wire.errors import FrameError, MethodSyntaxError, UnexpectedFrameError, WireError
from persistence.record import PERSISTENT, make_route
from tests.support.frames import BODY, HEADER, content_header, property_list, publish_payload

KEEP_MAX_BYTES = 100
METHOD = publish_payload("logs", "a.b")


@pytest.fixture
def assembly() -> Assembly:
    started = Assembly(KEEP_MAX_BYTES)
    started.start(METHOD)
    return started


def test_a_body_in_pieces_becomes_one_message(assembly: Assembly) -> None:
    header = content_header(6, property_list(delivery_mode=2, priority=4))
    assert assembly.feed(HEADER, header) is None
    assert assembly.feed(BODY, b"abc") is None
    held_bytes = assembly.held_bytes - HEAD_BYTES - len(header)
    assert 3 <= held_bytes <= 6
    content = assembly.feed(BODY, b"def")
    assert content is not None
    assert (content.method, content.size_bytes) == (METHOD, 6)
    (record,) = content.run
    assert (record.route, record.header, record.body) == (
        make_route("logs", "a.b"),
        header,
        b"abcdef",
    )
    assert content.flags == record.flags
    assert (record.flags & PERSISTENT, record.priority) == (PERSISTENT, 4)
    assert assembly.held_bytes == 0


def test_a_message_without_a_body_needs_no_body_frame(assembly: Assembly) -> None:
    content = assembly.feed(HEADER, content_header(0))
    assert content is not None
    assert content.run[0].body == b""
    assert assembly.held_bytes == 0


def test_empty_body_frames_are_passed_over(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(1))
    for _ in range(5):
        assert assembly.feed(BODY, b"") is None
    assert assembly.feed(BODY, b"x") is not None


def test_the_next_publish_starts_from_nothing(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(2))
    assembly.feed(BODY, b"ab")
    assembly.start(METHOD)
    assembly.feed(HEADER, content_header(1))
    content = assembly.feed(BODY, b"c")
    assert content is not None
    assert content.run[0].body == b"c"


def test_a_body_over_the_limit_is_counted_and_not_kept(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(KEEP_MAX_BYTES + 1))
    assert assembly.feed(BODY, bytes(KEEP_MAX_BYTES)) is None
    assert assembly.held_bytes < 2 * HEAD_BYTES
    content = assembly.feed(BODY, b"x")
    assert content is not None
    assert (content.size_bytes, content.run[0].body) == (KEEP_MAX_BYTES + 1, b"")


@pytest.mark.parametrize("size_bytes", [BODY_MAX_BYTES + 1, 2**63, 2**64 - 1])
def test_an_enormous_body_is_refused_at_its_header(assembly: Assembly, size_bytes: int) -> None:
    with pytest.raises(FrameError, match=f"content body size {size_bytes} exceeds"):
        assembly.feed(HEADER, content_header(size_bytes))


def test_the_first_excess_byte_is_refused(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(3))
    assembly.feed(BODY, b"ab")
    with pytest.raises(FrameError, match="exceeds remaining content size"):
        assembly.feed(BODY, b"cd")


@pytest.mark.parametrize("kind", [HEADER, BODY])
def test_content_without_a_publish_is_unexpected(kind: int) -> None:
    with pytest.raises(UnexpectedFrameError, match="expected method frame, got non method"):
        Assembly(KEEP_MAX_BYTES).feed(kind, content_header(0))


@pytest.mark.parametrize(
    ("kind", "payload", "explanation"),
    [
        (BODY, b"x", "got non content header frame instead"),
        (HEADER, content_header(1, weight=1), "got non content header frame instead"),
        (HEADER, content_header(1, class_id=50), "got one for class 50 instead"),
    ],
)
def test_a_body_or_a_strangers_header_after_publish_is_unexpected(
    assembly: Assembly, kind: int, payload: bytes, explanation: str
) -> None:
    with pytest.raises(UnexpectedFrameError, match=explanation) as caught:
        assembly.feed(kind, payload)
    assert caught.value.method_index == 60 << 16 | 40


@pytest.mark.parametrize("size", range(12))
def test_a_header_without_its_fixed_part_is_no_frame(assembly: Assembly, size: int) -> None:
    with pytest.raises(FrameError, match=r"type 2, all octets = <<.*>>: unknown_frame"):
        assembly.feed(HEADER, content_header(0)[:size])


@pytest.mark.parametrize("size", [12, 13])
def test_a_header_without_its_flags_is_refused(assembly: Assembly, size: int) -> None:
    with pytest.raises(MethodSyntaxError, match="cut short"):
        assembly.feed(HEADER, content_header(0)[:size])


def test_two_headers_are_unexpected(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(1))
    with pytest.raises(UnexpectedFrameError, match="expected content body, got non content body"):
        assembly.feed(HEADER, content_header(1))


def test_a_method_may_come_only_between_messages(assembly: Assembly) -> None:
    with pytest.raises(UnexpectedFrameError, match="expected content header for class 60"):
        assembly.check_method_may_come()
    assembly.feed(HEADER, content_header(1))
    with pytest.raises(UnexpectedFrameError, match="expected content body"):
        assembly.check_method_may_come()
    assembly.feed(BODY, b"x")
    assembly.check_method_may_come()


def test_what_is_dropped_is_forgotten(assembly: Assembly) -> None:
    assembly.feed(HEADER, content_header(9))
    assembly.feed(BODY, b"abc")
    assembly.drop()
    assert assembly.held_bytes == 0
    with pytest.raises(WireError):
        assembly.feed(BODY, b"x")
