"""What a core asks to be written is a change of the replica's log."""

from cluster.mirrored.writing import written
from cluster.replication.ready import AppendWrite, CompactWrite, EpochStart, PromiseWrite
from tests.support.mirrored_machine import QUEUE
from tests.support.quiet_streams import QuietStreams


def test_a_promise_the_beginning_of_an_epoch_and_a_compaction_are_written() -> None:
    quiet = QuietStreams()
    replica = quiet.mirror.up.replicas()[QUEUE]
    end = replica.end
    first = written(replica, PromiseWrite(1, QUEUE, 7))
    begun = AppendWrite(2, QUEUE, end, ((7, end + 1),), 1, EpochStart.RECORD)
    second = written(replica, begun)
    third = written(replica, CompactWrite(3, QUEUE, end + 1))
    assert first < second < third
    assert (replica.promised, replica.end, replica.base) == (7, end + 1, end + 1)
