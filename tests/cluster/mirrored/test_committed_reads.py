"""What is read is the same from memory and from segments."""

from tests.support.quiet_streams import QuietStreams


def test_a_mirror_has_the_same_chunks_as_the_leader_at_each_offset() -> None:
    quiet = QuietStreams()
    log, theirs = quiet.read(), quiet.stream.stream
    for number in range(120):
        quiet.append(b"%d" % number, b"y" * 40)
        quiet.go_on(1)
    quiet.go_on()
    assert log.readable_offset == theirs.readable_offset == 240
    assert log.segment_count > 1, "some of it is in segments"
    assert log.segments_from(0, 1)
    for offset in range(240):
        ours, other = log.read(offset, 1), theirs.read(offset, 1, checks=True)
        assert ours is not None
        assert other is not None
        assert bytes(ours.octets) == bytes(other.octets)
    assert log.read(240, 1) is None
    assert log.last_chunk_offset() == theirs.last_chunk_offset() == 238
    assert log.offset_at(1 << 60) is None
