"""What is flipped, cut, lost or doubled is refused or waited for."""

import pytest

from cluster.links.encoding import QueueNumbers
from cluster.links.envelope import HEADER_BYTES, open_envelope, seal
from cluster.links.errors import LinkError
from cluster.links.kinds import Kind
from cluster.replication.frames import (
    LeaderFrame,
    MirrorFrame,
)
from tests.support.link_frames import SAMPLES, opened, sealed


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_every_flipped_bit_is_refused(frame: LeaderFrame | MirrorFrame) -> None:
    octets = b"".join(sealed(frame, QueueNumbers()))
    for bit in range(len(octets) * 8):
        broken = bytearray(octets)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(LinkError):
            opened(bytes(broken))


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_every_cut_is_waited_for(frame: LeaderFrame | MirrorFrame) -> None:
    octets = b"".join(sealed(frame, QueueNumbers()))
    for size in range(len(octets)):
        assert opened(octets[:size]) is None


@pytest.mark.parametrize("frame", SAMPLES, ids=lambda frame: type(frame).__name__)
def test_an_envelope_that_is_lost_or_doubled_is_refused(frame: LeaderFrame | MirrorFrame) -> None:
    envelopes = sealed(frame, QueueNumbers())
    with pytest.raises(LinkError, match="checksum of a header"):
        opened(b"".join([*envelopes, envelopes[-1]]))
    if len(envelopes) > 1:
        with pytest.raises(LinkError, match="checksum of a header"):
            opened(envelopes[-1])


def test_a_length_is_held_against_its_bound_before_anything_comes() -> None:
    octets = seal(0, Kind.FENCE, 0, b"x" * 100)
    with pytest.raises(LinkError, match="an envelope of 100 octets, 99 are allowed"):
        open_envelope(memoryview(octets[:HEADER_BYTES]), 0, 0, 99)
