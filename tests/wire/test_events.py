"""A burst taken apart: the runs that it stands for, in order."""

from amqp_server.wire.events import PublishBurst
from persistence.record import uniform_run
from tests.support.frames import publish_payload
from tests.support.records import record

METHODS = (publish_payload("", "a"), publish_payload("", "b"))


def test_a_burst_is_runs_one_after_another() -> None:
    bodies = [b"%d" % number for number in range(5)]
    first = record(bodies[0])
    records = [first, *uniform_run(first, bodies[1:])]
    burst = PublishBurst(3, METHODS, bytes([0, 1, 1, 0, 1]), records, first.flags)
    assert [
        (run.channel, run.method, [each.body for each in run.records]) for run in burst.in_order()
    ] == [
        (3, METHODS[0], [b"0"]),
        (3, METHODS[1], [b"1", b"2"]),
        (3, METHODS[0], [b"3"]),
        (3, METHODS[1], [b"4"]),
    ]
