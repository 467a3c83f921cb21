"""Publishes that wait for their commit."""

from amqp_server.broker.protocol_counts import ProtocolCounters
from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox
from amqp_server.stream_protocol.confirms import (
    IDS_PER_FRAME_MAX,
    AwaitedConfirms,
    Counted,
    write_confirms,
    write_errors,
)
from amqp_server.stream_protocol.fields import U64
from amqp_server.stream_protocol.frames import Frame, scan
from amqp_server.stream_protocol.keys import Code
from tests.support.commits import FakeCommits
from tests.support.stream_peer import Answer, confirmed, publish_errors


class Line:
    """Confirms on an outbox of their own."""

    def __init__(self) -> None:
        self.outbox = Outbox(1 << 30, lambda: None)
        self.told_count = 0
        self.publishers: dict[int, Counted] = {}
        self.counters = ProtocolCounters()
        self.turn = Turn(4096)
        self.awaited = AwaitedConfirms(self.outbox, self._fewer, self.counters, self.turn)

    def confirm(self, publisher_id: int, ids: bytes, group: FakeCommits, lsn: int) -> None:
        counted = self.publishers.setdefault(publisher_id, Counted(publisher_id))
        self.awaited.confirm(counted, ids, group, lsn)

    def _fewer(self) -> None:
        self.told_count += 1

    def written(self) -> list[Answer]:
        frames, _, _ = scan(b"".join(self.outbox.take()), 1 << 30)
        written = [each for each in frames if isinstance(each, Frame)]
        assert len(written) == len(frames), "a server publishes nothing"
        return [Answer(each.key, each.body, each.version) for each in written]


def ids(*numbers: int) -> bytes:
    return b"".join(map(U64.pack, numbers))


def test_what_is_safe_is_confirmed_at_once() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(5), group, 0)
    assert line.written() == [confirmed(1, 5)]
    assert line.awaited.count == 0


def test_a_commit_confirms_all_up_to_its_lsn_by_publisher() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(1, 2), group, 3)
    line.confirm(2, ids(1), group, 3)
    line.confirm(1, ids(3), group, 4)
    line.confirm(1, ids(4), group, 5)
    assert (line.written(), line.awaited.count) == ([], 5)
    group.commit(4)
    assert line.written() == [confirmed(1, 1, 2, 3), confirmed(2, 1)]
    assert (line.awaited.count, line.told_count) == (1, 1)
    group.commit(5)
    assert line.written() == [confirmed(1, 4)]


def test_each_group_has_its_line() -> None:
    line, slow, fast = Line(), FakeCommits(), FakeCommits()
    line.confirm(1, ids(1), slow, 1)
    line.confirm(1, ids(2), fast, 1)
    fast.commit(1)
    assert line.written() == [confirmed(1, 2)]
    slow.commit(1)
    assert line.written() == [confirmed(1, 1)]


def test_a_group_that_fails_is_an_error_for_all_that_wait() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(1), group, 1)
    line.confirm(1, ids(2), group, 2)
    group.fail()
    assert line.written() == []
    line.turn.end(1)
    assert line.written() == [publish_errors(1, Code.STREAM_NOT_AVAILABLE, 1, 2)]
    assert line.awaited.count == 0
    line.confirm(1, ids(3), group, 3)
    line.turn.end(1)
    assert line.written() == [publish_errors(1, Code.STREAM_NOT_AVAILABLE, 3)]


def test_what_failed_of_a_stream_that_is_led_elsewhere_is_not_answered() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(1), group, 1)
    line.confirm(2, ids(7), group, 2)
    group.fail()
    # This node learns what it leads when the group has failed already.
    line.publishers[1].is_lost = lambda: True
    line.turn.end(1)
    assert line.written() == [publish_errors(2, Code.STREAM_NOT_AVAILABLE, 7)]
    assert (line.awaited.count, line.told_count) == (0, 2)
    assert line.publishers[1].errored == 1


def test_what_failed_is_not_answered_behind_the_end() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(1), group, 1)
    group.fail()
    line.awaited.forget()
    line.turn.end(1)
    assert line.written() == []


def test_nothing_is_confirmed_once_it_is_forgotten() -> None:
    line, group = Line(), FakeCommits()
    line.confirm(1, ids(1), group, 1)
    line.awaited.forget()
    group.commit(1)
    assert line.written() == []


def test_many_ids_are_several_frames() -> None:
    line = Line()
    many = ids(*range(IDS_PER_FRAME_MAX + 1))
    write_confirms(line.outbox, 1, many)
    write_errors(line.outbox, 1, many, Code.ACCESS_REFUSED)
    assert [len(each.body) for each in line.written()] == [
        5 + 8 * IDS_PER_FRAME_MAX,
        13,
        5 + 10 * IDS_PER_FRAME_MAX,
        15,
    ]
