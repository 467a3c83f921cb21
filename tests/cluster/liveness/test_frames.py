"""Frames between a node and the process that renews its lease."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.liveness.frames import FRAME_BYTES, Frame, FrameReader, Kind

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
FRAMES = st.builds(Frame, st.sampled_from(Kind), NUMBERS, NUMBERS, NUMBERS)


@given(st.lists(FRAMES), st.integers(1, 60))
def test_frames_come_as_they_were_sent_however_they_are_cut(frames: list[Frame], size: int) -> None:
    octets = b"".join(frame.octets() for frame in frames)
    reader = FrameReader()
    parts = [octets[at : at + size] for at in range(0, len(octets), size)]
    assert [frame for part in parts for frame in reader.feed(part)] == frames


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Kind"):
        list(FrameReader().feed(b"X" + bytes(FRAME_BYTES - 1)))
