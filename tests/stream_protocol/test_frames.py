"""Frames cut off the input."""

from hypothesis import given
from hypothesis import strategies as st

from amqp_server.connections.intake import EVENTS_MAX
from amqp_server.stream_protocol.errors import FrameTooLargeError, MalformedFrameError
from amqp_server.stream_protocol.frames import Frame, answer, frame, frame_head, scan
from amqp_server.stream_protocol.keys import Code, CommandKey
from amqp_server.stream_protocol.publish_frame import PublishFrames
from tests.support.stream_peer import publish_body

FRAMES = st.lists(
    st.builds(Frame, st.integers(3, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=30)),
    max_size=5,
)


@given(FRAMES, st.integers(0, 200))
def test_frames_are_cut_off_wherever_the_input_ends(frames: list[Frame], cut: int) -> None:
    octets = b"".join([frame(each.key, each.body, each.version) for each in frames])
    first, consumed, error = scan(octets[:cut], 100)
    assert error is None
    rest, all_consumed, error = scan(memoryview(octets[consumed:]), 100)
    assert error is None
    assert first + rest == frames
    assert consumed + all_consumed == len(octets)


def test_a_scan_stops_after_so_many_frames() -> None:
    octets = frame(CommandKey.CREDIT, b"\0\0\1") * (EVENTS_MAX + 3)
    first, consumed, error = scan(octets, 100)
    assert (len(first), error) == (EVENTS_MAX, None)
    rest, _, _ = scan(octets[consumed:], 100)
    assert len(rest) == 3


def test_consecutive_publishes_come_off_as_one_run() -> None:
    publish = frame(CommandKey.PUBLISH, publish_body(3, (1, b"a")))
    credit, credit_frame = Frame(CommandKey.CREDIT, 1, b"\0\0\1"), frame(9, b"\0\0\1")
    octets = publish + publish + credit_frame + publish + frame(CommandKey.PUBLISH, b"", 3)
    events, consumed, error = scan(memoryview(octets), 100)
    runs = [each for each in events if isinstance(each, PublishFrames)]
    assert [len(run.pieces[0].ids) // 8 for run in runs] == [2, 1]
    assert events == [runs[0], credit, runs[1], Frame(CommandKey.PUBLISH, 3, b"")]
    assert (consumed, error) == (len(octets), None)


def test_a_frame_above_the_limit_is_found_by_its_size() -> None:
    octets = frame(1, b"") + b"\0\0\0\x65"
    frames, consumed, error = scan(octets, 100)
    assert (frames, consumed) == ([Frame(1, 1, b"")], 8)
    assert isinstance(error, FrameTooLargeError)
    assert scan(b"\0\0\0\x64", 100) == ([], 0, None)


def test_a_frame_without_a_key_is_malformed() -> None:
    _, _, error = scan(b"\0\0\0\3abc", 100)
    assert isinstance(error, MalformedFrameError)


def test_a_head_and_its_body_are_a_frame() -> None:
    assert frame_head(8, 3, 2) + b"abc" == frame(8, b"abc", 2)


def test_an_answer_has_the_top_bit_and_a_code() -> None:
    octets = answer(1, 7, Code.OK, b"x")
    assert octets == frame(0x8001, b"\0\0\0\7\0\1x")
