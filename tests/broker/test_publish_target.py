from amqp_server.broker.publish_target import count_unlike_most, enqueue
from exchanges.counters import ExchangeCounters
from queues.outcomes import ALL_SAFE
from tests.support.publish_target import THE_GROUP, FakeTarget
from tests.support.records import run_of

RUN = run_of(b"1", b"2", b"3")


def test_a_run_goes_to_each_target_once() -> None:
    targets, counters = (FakeTarget(), FakeTarget()), ExchangeCounters()
    assert enqueue(targets, RUN, 1, counters) is ALL_SAFE
    assert [each.bodies() for each in targets] == [[[b"1", b"2", b"3"]]] * 2
    assert (counters.all_published_count, counters.routed_count) == (3, 6)


def test_what_a_target_refuses_is_refused_and_the_last_lsn_counts() -> None:
    targets = (FakeTarget(rejected=(2,), lsn=7), FakeTarget(rejected=(0,), lsn=9))
    outcome = enqueue(targets, RUN, 1, ExchangeCounters())
    assert (outcome.rejected, outcome.safe_at[:2]) == ([0, 2], (THE_GROUP, 9))


def test_without_a_target_nothing_has_a_route() -> None:
    counters = ExchangeCounters()
    assert [*enqueue((), RUN, 1, counters).unroutable] == [0, 1, 2]
    assert (counters.routed_count, counters.unroutable_count) == (0, 3)


def test_copies_beyond_the_first_are_counted() -> None:
    counters = ExchangeCounters()
    count_unlike_most(counters, 1, 5)
    count_unlike_most(counters, 3, 5)
    assert counters.more_copies_count == 10
