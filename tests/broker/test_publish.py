"""Routed once, appended once: what is remembered, and what is told of each message."""

from collections.abc import Container, Mapping, Sequence

import pytest

from amqp_server.broker.publish import TARGETS_AT_ONCE_MAX, Publisher
from amqp_server.broker.steps import finish
from amqp_server.wire.errors import MethodSyntaxError
from exchanges.routing import Router
from persistence.record import Record, make_route
from queues.commits import SAFE_NOW, CommitPoint, points_of
from queues.outcomes import ALL_SAFE, PublishOutcome
from tests.support.commits import FakeCommits
from tests.support.frames import content_header, property_list
from tests.support.publish_target import THE_GROUP, FakeTarget
from tests.support.routing import binding, declared, queue, router_with
from tests.support.vhosts import VhostUnderTest, message


@pytest.fixture
def place() -> VhostUnderTest:
    return VhostUnderTest()


def publisher_to(**targets: FakeTarget) -> Publisher:
    """Return a publisher with a fanout exchange ``x`` bound to these."""
    router = router_with(declared("x"), queues=targets)
    for name in targets:
        router.bind(binding(queue(name)))
    return Publisher(router, targets.get)


# ── what is told ──


def test_a_run_reaches_each_queue_whole_and_once() -> None:
    one, two = FakeTarget(), FakeTarget()
    run = [message(b"a", "x"), message(b"b", "x")]
    assert publisher_to(one=one, two=two).publish("x", run, 1) == ALL_SAFE
    assert one.runs == two.runs == [run]


def test_what_reaches_no_queue_is_unroutable_message_by_message() -> None:
    run = [message(b"a", "x"), message(b"b", "x")]
    published = publisher_to().publish("x", run, 1)
    assert list(published.unroutable) == [0, 1]
    assert (list(published.rejected), published.safe_at) == ([], SAFE_NOW)


def test_a_message_that_one_of_many_queues_refused_is_rejected() -> None:
    one, two, three = FakeTarget([2]), FakeTarget(), FakeTarget([0, 2])
    run = [message(bytes([index]), "x") for index in range(3)]
    published = publisher_to(one=one, two=two, three=three).publish("x", run, 1)
    assert published == PublishOutcome([0, 2], SAFE_NOW)
    assert two.runs == [run], "the others have it all the same"


def test_a_run_is_safe_when_the_last_of_its_queues_has_it_safe() -> None:
    targets = {"one": FakeTarget(lsn=5), "two": FakeTarget(lsn=9), "three": FakeTarget(lsn=0)}
    published = publisher_to(**targets).publish("x", [message(b"", "x")], 1)
    assert (list(published.unroutable), list(published.rejected)) == ([], [])
    assert published.safe_at == CommitPoint(THE_GROUP, 9)


@pytest.mark.parametrize("queues_count", [2, TARGETS_AT_ONCE_MAX + 2])
def test_a_run_for_queues_of_several_commit_groups_waits_for_each(queues_count: int) -> None:
    near, far = FakeCommits(), FakeCommits()
    targets = {f"q{number}": FakeTarget() for number in range(queues_count - 2)}
    targets |= {"near": FakeTarget(lsn=5, group=near), "far": FakeTarget(lsn=9, group=far)}
    published = publisher_to(**targets).publish("x", [message(b"", "x")], 1)
    assert set(points_of(published.safe_at)) == {CommitPoint(near, 5), CommitPoint(far, 9)}


def test_a_queue_that_cannot_be_found_any_more_is_left_out() -> None:
    target = FakeTarget()
    router = router_with(declared("x"))
    for name in ("here", "gone"):
        router.bind(binding(queue(name)))
    publisher = Publisher(router, {"here": target}.get)
    assert publisher.publish("x", [message(b"", "x")], 1) == ALL_SAFE
    assert len(target.runs) == 1


def test_targets_are_those_of_the_route_unless_headers_decide() -> None:
    one, two = FakeTarget(), FakeTarget()
    publisher = publisher_to(one=one, two=two)
    assert publisher.find_targets("x", make_route("x", "any"), "any") == (one, two)
    router = router_with(declared("h", "headers"), queues={"one": one})
    router.bind(binding(queue("one"), source="h", arguments={"x-match": "all"}))
    assert Publisher(router, {"one": one}.get).find_targets("h", make_route("h", ""), "") is None


def test_one_full_queue_of_a_fanout_rejects_only_what_it_refused(place: VhostUnderTest) -> None:
    place.queue("full", max_length=2, overflow="reject-publish")
    place.queue("wide")
    for name in ("full", "wide"):
        place.bind("amq.fanout", name)
    published = place.publish(b"0", b"1", b"2", b"3", exchange="amq.fanout")
    assert published == PublishOutcome([2, 3], SAFE_NOW)
    assert place.bodies("wide") == [b"0", b"1", b"2", b"3"]
    assert place.bodies("full") == [b"0", b"1"]


# ── routes are remembered as long as they hold ──


def test_a_route_is_worked_out_once_as_long_as_nothing_changes() -> None:
    asked: list[str] = []
    target = FakeTarget()

    def target_of(name: str) -> FakeTarget:
        asked.append(name)
        return target

    router = router_with(declared("x"))
    router.bind(binding(queue("jobs")))
    publisher = Publisher(router, target_of)
    for _ in range(3):
        publisher.publish("x", [message(b"", "x")], 1)
    assert asked == ["jobs"]
    router.note_queue("jobs")
    publisher.publish("x", [message(b"", "x")], 1)
    assert asked == ["jobs", "jobs"]
    assert len(target.runs) == 4


def test_that_a_message_goes_nowhere_is_remembered_too() -> None:
    asked: list[str] = []

    def has_queue(name: str) -> bool:
        asked.append(name)
        return False

    publisher = Publisher(Router(has_queue), lambda _name: None)
    for _ in range(2):
        assert list(publisher.publish("", [message()], 1).unroutable) == [0]
    assert asked == ["jobs"]


def test_a_queue_declared_between_publishes_is_found(place: VhostUnderTest) -> None:
    assert place.publish(b"0").unroutable == range(1)
    place.queue()
    assert place.publish(b"1").unroutable == ()
    assert place.bodies() == [b"1"]


def test_a_queue_deleted_between_publishes_gets_nothing_and_its_heir_does(
    place: VhostUnderTest,
) -> None:
    place.queue()
    place.publish(b"0")
    place.delete_queue("jobs")
    assert place.publish(b"1").unroutable == range(1)
    place.queue()
    place.publish(b"2")
    assert place.bodies() == [b"2"]


def test_bindings_made_and_taken_away_between_publishes_hold_at_once(
    place: VhostUnderTest,
) -> None:
    place.queue()
    key = {"exchange": "amq.direct", "routing_key": "k"}
    assert place.publish(b"0", **key).unroutable == range(1)
    place.bind("amq.direct", "jobs", "k")
    assert place.publish(b"1", **key).unroutable == ()
    place.unbind("amq.direct", "jobs", "k")
    assert place.publish(b"2", **key).unroutable == range(1)
    assert place.bodies() == [b"1"]


def test_an_exchange_deleted_between_publishes_leads_nowhere(place: VhostUnderTest) -> None:
    place.exchange("x")
    place.exchange("y")
    place.queue()
    place.bind_exchange("x", "y")
    place.bind("y", "jobs")
    assert place.publish(b"0", exchange="x").unroutable == ()
    finish(place.vhost.exchanges.deleting("y", if_unused=False))
    assert place.publish(b"1", exchange="x").unroutable == range(1)


def test_an_alternate_exchange_that_comes_by_policy_holds_at_once(place: VhostUnderTest) -> None:
    place.exchange("x")
    place.queue()
    place.bind("amq.fanout", "jobs")
    assert place.publish(b"0", exchange="x").unroutable == range(1)
    place.policy({"alternate-exchange": "amq.fanout"}, pattern="^x$")
    assert place.publish(b"1", exchange="x").unroutable == ()
    place.clear_policy()
    assert place.publish(b"2", exchange="x").unroutable == range(1)
    assert place.bodies() == [b"1"]


def test_exchange_and_key_are_told_apart_in_what_is_remembered(place: VhostUnderTest) -> None:
    place.exchange("ab", "direct")
    place.exchange("a", "direct")
    place.queue("one")
    place.queue("two")
    place.bind("ab", "one", "c")
    place.bind("a", "two", "bc")
    place.publish(b"1", exchange="ab", routing_key="c")
    place.publish(b"2", exchange="a", routing_key="bc")
    assert (place.bodies("one"), place.bodies("two")) == ([b"1"], [b"2"])


# ── headers exchanges ──


@pytest.fixture
def sorted_by_colour(place: VhostUnderTest) -> VhostUnderTest:
    for name, colour in (("reds", "red"), ("blues", "blue"), ("reds too", "red")):
        place.queue(name)
        place.bind("amq.headers", name, arguments={"colour": colour})
    return place


def publish_coloured(
    place: VhostUnderTest, *colours: Mapping[str, object] | None, exchange: str = "amq.headers"
) -> PublishOutcome:
    """Publish one message for each, in one run; alike headers are one object, as scanned."""
    shared = {
        repr(headers): message(
            b"0", exchange, "", **({} if headers is None else {"headers": headers})
        )
        for headers in colours
    }
    run = [
        shared[repr(headers)]._replace(body=b"%d" % index) for index, headers in enumerate(colours)
    ]
    return place.vhost.publisher.publish(exchange, run, place.now_ms)


RED, BLUE, GREEN = {"colour": "red"}, {"colour": "blue"}, {"colour": "green"}


def test_each_message_of_a_run_goes_by_its_own_headers(sorted_by_colour: VhostUnderTest) -> None:
    place = sorted_by_colour
    published = publish_coloured(place, RED, RED, BLUE, GREEN, None, RED)
    assert list(published.unroutable) == [3, 4]
    assert place.bodies("reds") == place.bodies("reds too") == [b"0", b"1", b"5"]
    assert place.bodies("blues") == [b"2"]


def test_what_was_refused_on_the_way_is_counted_in_the_whole_run(place: VhostUnderTest) -> None:
    place.queue("one", max_length=1, overflow="reject-publish")
    place.queue("two", max_length=2, overflow="reject-publish")
    place.bind("amq.headers", "one", arguments=RED)
    place.bind("amq.headers", "two", arguments=BLUE)
    published = publish_coloured(place, BLUE, RED, RED, GREEN, BLUE, BLUE, RED)
    assert published == PublishOutcome([2, 5, 6], SAFE_NOW, [3])


def test_an_answer_by_headers_is_not_remembered_for_another_message(
    sorted_by_colour: VhostUnderTest,
) -> None:
    publish_coloured(sorted_by_colour, RED)
    publish_coloured(sorted_by_colour, BLUE)
    assert sorted_by_colour.bodies("reds") == [b"0"]
    assert sorted_by_colour.bodies("blues") == [b"0"]


def test_headers_count_behind_another_exchange_too(sorted_by_colour: VhostUnderTest) -> None:
    place = sorted_by_colour
    place.exchange("front")
    place.bind_exchange("front", "amq.headers")
    publish_coloured(place, RED, BLUE, exchange="front")
    assert place.bodies("reds") == [b"0"]
    assert place.bodies("blues") == [b"1"]


def test_lsns_of_the_parts_add_up_to_the_last() -> None:
    targets = {"one": FakeTarget(lsn=7), "two": FakeTarget(lsn=3)}
    router = router_with(declared("x", "headers"), queues=targets)
    for name in targets:
        router.bind(binding(queue(name), arguments={"to": name}))
    run = [message(b"", "x", headers={"to": name}) for name in ("one", "two")]
    assert Publisher(router, targets.get).publish("x", run, 1).safe_at == CommitPoint(THE_GROUP, 7)


def test_headers_that_cannot_be_read_are_the_publishers_error(
    sorted_by_colour: VhostUnderTest,
) -> None:
    header = content_header(0, property_list(headers=b"\x00\x00\x00\x03\x01kZ"))
    broken = message(b"", "amq.headers", headers=RED)._replace(header=header)
    with pytest.raises(MethodSyntaxError):
        sorted_by_colour.vhost.publisher.publish("amq.headers", [broken], 1)


# ── several keys ──


def publish_to_keys(
    place: VhostUnderTest,
    exchange: str,
    keys: Sequence[str],
    letter: Record,
    excluded: Container[str] = (),
) -> PublishOutcome:
    steps = place.vhost.publisher.publishing_to_keys(
        exchange, keys, [letter], 1, excluded.__contains__
    )
    return finish(steps)


def test_a_message_under_several_keys_reaches_each_queue_once(place: VhostUnderTest) -> None:
    for name in ("one", "two"):
        place.queue(name)
        place.bind("amq.direct", name, "k")
    place.bind("amq.direct", "two", "c")
    letter = message(b"m", "amq.direct", "k")
    published = publish_to_keys(place, "amq.direct", ("k", "c"), letter)
    assert published == ALL_SAFE
    assert (place.bodies("one"), place.bodies("two")) == ([b"m"], [b"m"])


def test_several_keys_work_on_the_default_exchange(place: VhostUnderTest) -> None:
    place.queue("one")
    place.queue("two")
    letter = message(b"m", "", "none")
    publish_to_keys(place, "", ("none", "two", "one"), letter)
    assert (place.bodies("one"), place.bodies("two")) == ([b"m"], [b"m"])


def test_queues_that_are_excluded_do_not_count(place: VhostUnderTest) -> None:
    place.queue("one")
    place.queue("two")
    letter = message(b"m", "", "one")
    publish_to_keys(place, "", ("one", "two"), letter, {"one"})
    assert (place.bodies("one"), place.bodies("two")) == ([], [b"m"])
    published = publish_to_keys(place, "", ("one",), letter, {"one"})
    assert published.unroutable == range(1)


def test_a_route_of_several_keys_is_not_remembered_for_one(place: VhostUnderTest) -> None:
    place.queue("one")
    place.queue("two")
    letter = message(b"m", "", "one")
    publish_to_keys(place, "", ("one", "two"), letter)
    place.publish(b"n", routing_key="one")
    assert place.bodies("two") == [b"m"]
