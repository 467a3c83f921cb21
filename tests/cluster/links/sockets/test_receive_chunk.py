"""Where input is put."""

from cluster.links.sockets.receive_chunk import CHUNK_BYTES, ReceiveChunk


def test_a_chunk_is_never_written_twice() -> None:
    chunk = ReceiveChunk()
    views, expected = [], []
    for number in range(2_000):
        octets = bytes([number % 251]) * 999
        at = 0
        while at < len(octets):
            room = chunk.room()
            size = min(len(room), len(octets) - at)
            room[:size] = octets[at : at + size]
            chunk.came(size)
            at += size
        views.append(chunk.waiting()[:999])
        expected.append(octets)
        chunk.done(len(chunk.waiting()))
    assert [bytes(view) for view in views] == expected
    assert 4 * CHUNK_BYTES < 2_000 * 999
