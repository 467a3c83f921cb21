"""Octets that wait have a bound; the log is read again."""

from dataclasses import replace

from cluster.links.settings import KIB
from tests.support.linked_pair import SMALL, LinkedPair, payloads, run


def test_runs_that_wait_are_read_from_the_log_again() -> None:
    settings = replace(SMALL, held_bytes_max=32 * KIB)
    pair = LinkedPair(settings).opened()
    pair.at_b.is_slow = True
    for lsn in range(1, 101):
        octets = bytes([lsn]) * 4 * KIB
        pair.log.runs["q", lsn] = octets
        pair.a.put(run("q", lsn, octets, after=lsn))
        assert pair.held.total <= 32 * KIB
    pair.at_b.is_slow = False
    for _ in range(100):
        pair.at_b.work_off(pair.b)
        pair.carry()
    assert pair.log.reads_count > 80
    assert pair.held.total == 0
    assert payloads(list(pair.at_b.frames)) == [bytes([lsn]) * 4 * KIB for lsn in range(1, 101)]


def test_a_run_that_was_compacted_away_ends_the_connection() -> None:
    pair = LinkedPair(replace(SMALL, held_bytes_max=8 * KIB)).opened()
    for lsn in range(1, 5):
        pair.a.put(run("q", lsn, b"x" * 4 * KIB, after=lsn))
    pair.carry()
    assert pair.at_a.reasons == ["the log does not have any more: q behind 2"]
    assert pair.held.total == 0
