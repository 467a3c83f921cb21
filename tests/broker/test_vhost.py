"""One vhost: what binds to what, and policies that change what exists already."""

import pytest

from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from queues.kinds import QUORUM
from queues.options import Overflow
from tests.support.consumer import FakeConsumer
from tests.support.vhosts import VhostUnderTest


@pytest.fixture
def place() -> VhostUnderTest:
    return VhostUnderTest()


# ── bind ──


@pytest.mark.parametrize(
    ("source", "to", "text"),
    [
        ("nox", "noq", "no exchange 'nox' in vhost '/'"),
        ("nox", "jobs", "no exchange 'nox' in vhost '/'"),
        ("amq.fanout", "noq", "no queue 'noq' in vhost '/'"),
    ],
)
def test_what_a_queue_binding_misses_is_named_the_source_first(
    place: VhostUnderTest, source: str, to: str, text: str
) -> None:
    place.queue()
    with pytest.raises(NotFoundError) as caught:
        place.bind(source, to)
    assert str(caught.value) == text
    assert len(place.vhost.router.bindings) == 0


@pytest.mark.parametrize(
    ("source", "to", "missing"),
    [("nox", "noy", "nox"), ("nox", "amq.fanout", "nox"), ("amq.fanout", "noy", "noy")],
)
def test_what_an_exchange_binding_misses_is_named_the_source_first(
    place: VhostUnderTest, source: str, to: str, missing: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        place.bind_exchange(source, to)
    assert str(caught.value) == f"no exchange '{missing}' in vhost '/'"


def test_what_is_bound_twice_is_bound_once(place: VhostUnderTest) -> None:
    place.queue()
    for _ in range(2):
        place.bind("amq.direct", "jobs", "k")
    place.publish(b"m", exchange="amq.direct", routing_key="k")
    assert place.bodies() == [b"m"]
    place.unbind("amq.direct", "jobs", "k")
    assert len(place.vhost.router.bindings) == 0


def test_a_queue_and_an_exchange_of_one_name_are_two_things(place: VhostUnderTest) -> None:
    place.exchange("same")
    place.queue("same")
    place.bind("amq.fanout", "same")
    place.bind_exchange("amq.fanout", "same")
    place.bind("same", "same")
    place.publish(b"m", exchange="amq.fanout")
    assert place.bodies("same") == [b"m"], "one copy, whatever leads there"
    place.delete_queue("same")
    assert place.vhost.exchanges.exists("same")
    assert len(place.vhost.router.bindings) == 1


# ── policies, live ──


def test_a_shorter_length_drops_what_is_too_much_at_once(place: VhostUnderTest) -> None:
    place.queue()
    place.publish(b"a", b"b", b"c")
    place.policy({"max-length": 1})
    assert place.bodies() == [b"c"]


def test_what_a_shorter_length_drops_is_dead_lettered(place: VhostUnderTest) -> None:
    place.queue("dead")
    place.queue()
    place.publish(b"a", b"b", b"c")
    place.policy(
        {"max-length": 1, "dead-letter-exchange": "", "dead-letter-routing-key": "dead"},
        pattern="^jobs$",
    )
    place.end()
    assert place.bodies("dead") == [b"a", b"b"]


def test_a_longer_length_holds_for_what_comes_next(place: VhostUnderTest) -> None:
    place.queue()
    place.policy({"max-length": 1})
    place.policy({"max-length": 2})
    place.publish(b"a", b"b", b"c")
    assert place.bodies() == [b"b", b"c"]


def test_without_its_policy_a_queue_has_no_limit_any_more(place: VhostUnderTest) -> None:
    place.queue()
    place.policy({"max-length": 1, "overflow": "reject-publish"})
    assert place.publish(b"a", b"b").rejected == [1]
    place.clear_policy()
    assert place.publish(b"c", b"d").rejected == ()


def test_a_ttl_holds_for_what_comes_after_it(place: VhostUnderTest) -> None:
    place.queue()
    place.publish(b"before")
    place.policy({"message-ttl": 1_000})
    place.publish(b"after")
    place.end()
    place.advance(1_000)
    assert place.bodies() == [b"before"]


def test_an_expiry_by_policy_begins_when_the_policy_comes(place: VhostUnderTest) -> None:
    place.queue()
    place.end()
    place.advance(10_000)
    place.policy({"expires": 1_000})
    place.end()
    place.advance(999)
    assert place.vhost.queues.find("jobs") is not None
    place.advance(1)
    assert place.vhost.queues.find("jobs") is None


def test_an_expiry_that_was_cleared_does_not_fire(place: VhostUnderTest) -> None:
    place.queue()
    place.policy({"expires": 1_000})
    place.end()
    place.clear_policy()
    place.end()
    place.advance(10_000)
    assert place.vhost.queues.find("jobs") is not None


def test_a_policy_that_was_there_before_holds_for_new_queues(place: VhostUnderTest) -> None:
    place.policy({"max-length": 1}, pattern="^j")
    place.queue()
    place.queue("others")
    place.publish(b"a", b"b")
    place.publish(b"a", b"b", routing_key="others")
    assert place.bodies() == [b"b"]
    assert place.bodies("others") == [b"a", b"b"]


def test_only_the_policy_of_highest_priority_applies(place: VhostUnderTest) -> None:
    queue = place.queue()
    place.policy({"max-length": 5, "message-ttl": 7}, "low", priority=1)
    place.policy({"max-length": 9}, "high", priority=2)
    options = queue.engine.options
    assert (options.max_length, options.message_ttl_ms) == (9, None), "they are not merged"
    place.clear_policy("high")
    options = queue.engine.options
    assert (options.max_length, options.message_ttl_ms) == (5, 7)


def test_an_operator_policy_tightens_and_cannot_loosen(place: VhostUnderTest) -> None:
    queue = place.queue()
    place.policy({"max-length": 10, "message-ttl": 50})
    place.policy({"max-length": 3, "message-ttl": 90, "expires": 4}, "o", operator=True)
    options = queue.engine.options
    assert (options.max_length, options.message_ttl_ms, options.expires_ms) == (3, 50, 4)
    place.clear_policy("o", operator=True)
    options = queue.engine.options
    assert (options.max_length, options.expires_ms) == (10, None)


def test_an_operator_overflow_wins(place: VhostUnderTest) -> None:
    queue = place.queue()
    place.policy({"overflow": "drop-head"})
    place.policy({"overflow": "reject-publish", "max-length": 1}, "o", operator=True)
    assert queue.engine.options.overflow is Overflow.REJECT_PUBLISH
    assert place.publish(b"a", b"b").rejected == [1]


def test_arguments_and_policy_together_are_the_smaller_limit(place: VhostUnderTest) -> None:
    tight = place.queue("tight", max_length=2)
    loose = place.queue("loose", max_length=9)
    place.policy({"max-length": 5})
    assert (tight.engine.options.max_length, loose.engine.options.max_length) == (2, 5)


def test_what_only_arguments_can_say_survives_a_policy(place: VhostUnderTest) -> None:
    queue = place.queue(max_priority=3, single_active_consumer=True)
    place.policy({"max-length": 5})
    options = queue.engine.options
    assert (options.max_priority, options.single_active_consumer) == (3, True)
    place.publish(b"low")
    place.publish(b"high", priority=2)
    assert place.bodies() == [b"high", b"low"]


def test_a_policy_may_be_for_one_type_of_queue(place: VhostUnderTest) -> None:
    classic, quorum = place.queue("c"), place.queue("q", queue_type="quorum")
    place.policy({"delivery-limit": 3})
    assert quorum.kind is QUORUM
    assert quorum.engine.options.delivery_limit == 3
    assert classic.engine.options.delivery_limit is None


def test_a_policy_for_queues_says_nothing_of_exchanges(place: VhostUnderTest) -> None:
    place.exchange("x")
    place.policy({"max-length": 1})
    assert place.vhost.exchanges.get("x").alternate_exchange is None
    place.policy({"alternate-exchange": "amq.fanout"})
    assert place.vhost.exchanges.get("x").alternate_exchange == "amq.fanout"


def test_an_alternate_exchange_by_argument_beats_the_policy(place: VhostUnderTest) -> None:
    place.exchange("x", alternate="amq.direct")
    place.policy({"alternate-exchange": "amq.fanout"})
    assert place.vhost.exchanges.get("x").alternate_exchange == "amq.direct"
    place.exchange("y")
    assert place.vhost.exchanges.get("y").alternate_exchange == "amq.fanout"


def test_the_predeclared_exchanges_have_policies_too(place: VhostUnderTest) -> None:
    place.queue()
    place.bind("amq.fanout", "jobs")
    place.policy({"alternate-exchange": "amq.fanout"}, pattern=r"^amq\.direct$")
    assert place.publish(b"m", exchange="amq.direct").unroutable == ()
    assert place.bodies() == [b"m"]


def test_policies_leave_the_messages_of_a_queue_in_order(place: VhostUnderTest) -> None:
    place.queue()
    place.publish(b"a", b"b")
    place.policy({"message-ttl": 60_000})
    place.publish(b"c")
    place.clear_policy()
    place.publish(b"d")
    assert place.bodies() == [b"a", b"b", b"c", b"d"]


# ── the turn ──


def test_a_flooded_queue_does_not_keep_another_waiting() -> None:
    place = VhostUnderTest(deliveries_per_queue_max=2)
    consumers = {name: FakeConsumer(name, no_ack=True) for name in ("flooded", "small")}
    for name, consumer in consumers.items():
        place.queue(name).engine.consume(consumer, place.now_ms)
    place.publish(*[b"%d" % index for index in range(5)], routing_key="flooded")
    place.publish(b"s", routing_key="small")
    assert place.turn.end(place.now_ms) is True
    assert consumers["flooded"].bodies == [b"0", b"1"]
    assert consumers["small"].bodies == [b"s"]
    place.end()
    assert consumers["flooded"].bodies == [b"0", b"1", b"2", b"3", b"4"]


def test_policies_are_applied_thing_by_thing_and_to_what_comes_meanwhile(
    place: VhostUnderTest,
) -> None:
    queues = [place.queue(f"q{number}") for number in range(20)]
    place.vhost.policies.set(Policy("p", "", {"max-length": 7}))
    steps = place.vhost.applying_policies(place.now_ms)
    while queues[0].engine.options.max_length is None:
        next(steps)
    assert queues[19].engine.options.max_length is None, "the others have their turn"
    assert place.queue("new").engine.options.max_length == 7
    place.delete_queue("q19")
    place.vhost.policies.set(Policy("p", "", {"max-length": 8}))
    finish(steps)
    assert [queue.engine.options.max_length for queue in queues[1:19]] == [8] * 18
    finish(place.vhost.applying_policies(place.now_ms))
    assert queues[0].engine.options.max_length == 8
