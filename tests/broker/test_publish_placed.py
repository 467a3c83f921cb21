"""Exchanges that choose one destination for each message: by a hash, or by chance."""

from collections.abc import Mapping, Sequence
from random import Random
from unittest.mock import patch

import pytest

from amqp_server.broker.steps import finish
from exchanges import rendezvous
from persistence.record import make_route
from queues.commits import SAFE_NOW
from queues.outcomes import PublishOutcome
from tests.support.vhosts import VhostUnderTest, message

QUEUES = ("p", "q", "r")
KEYS = [f"k{number}" for number in range(60)]


@pytest.fixture
def place() -> VhostUnderTest:
    place = VhostUnderTest(random_bytes=Random(7).randbytes)
    for name in QUEUES:
        place.queue(name)
    return place


def hashing(
    place: VhostUnderTest, kind: str = "x-consistent-hash", **arguments: str
) -> VhostUnderTest:
    """Declare ``x``, bound to all queues; ``hash_header="h"`` is its argument ``hash-header``."""
    named = {key.replace("_", "-"): value for key, value in arguments.items()}
    place.exchange("x", kind, arguments=named)
    for number, name in enumerate(QUEUES):
        place.bind("x", name, "1", {"x-stream-partition-order": number})
    return place


def bodies(place: VhostUnderTest) -> dict[str, list[bytes]]:
    return {name: place.bodies(name) for name in QUEUES}


def publish_each(
    place: VhostUnderTest, properties: Sequence[Mapping[str, object]], exchange: str = "x"
) -> PublishOutcome:
    """Publish messages with one key and these properties, in one run."""
    run = [
        message(b"%d" % number, exchange, "same", **each) for number, each in enumerate(properties)
    ]
    return place.vhost.publisher.publish(exchange, run, place.now_ms)


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-super-stream"])
def test_a_key_has_one_queue_and_its_route_is_remembered(place: VhostUnderTest, kind: str) -> None:
    hashing(place, kind)
    found = {}
    for key in KEYS:
        targets = place.vhost.publisher.find_targets("x", make_route("x", key), key)
        assert targets is not None
        assert place.vhost.publisher.find_targets("x", make_route("x", key), key) is targets
        (found[key],) = targets
        place.publish(b"1 " + key.encode(), exchange="x", routing_key=key)
        place.publish(b"2 " + key.encode(), exchange="x", routing_key=key)
    assert len(set(found.values())) == len(QUEUES)
    in_queues = bodies(place)
    assert sum(map(len, in_queues.values())) == 2 * len(KEYS)
    for name, held in in_queues.items():
        of_queue = place.vhost.queues.find(name)
        assert of_queue is not None
        for first, second in zip(held[::2], held[1::2], strict=True):
            assert (first[0:1], second[0:1], first[2:]) == (b"1", b"2", second[2:])
            assert found[first[2:].decode()] is of_queue.engine


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-super-stream"])
def test_a_binding_more_or_less_holds_at_once(place: VhostUnderTest, kind: str) -> None:
    hashing(place, kind)
    for key in KEYS:
        place.publish(b"before", exchange="x", routing_key=key)
    for number, name in enumerate(QUEUES[:2]):
        place.unbind("x", name, "1", {"x-stream-partition-order": number})
    for key in KEYS:
        place.publish(b"after", exchange="x", routing_key=key)
    assert [place.bodies(name).count(b"after") for name in QUEUES] == [0, 0, len(KEYS)]
    place.delete_queue("r")
    assert list(place.publish(b"m", exchange="x", routing_key="k").unroutable) == [0]


@pytest.mark.parametrize(
    "kind", ["x-consistent-hash", "x-modulus-hash", "x-super-stream", "x-random"]
)
def test_a_message_with_several_keys_still_goes_to_one_queue(
    place: VhostUnderTest, kind: str
) -> None:
    hashing(place, kind)
    for number, key in enumerate(KEYS):
        letter = message(b"%d" % number, "x", key)
        finish(place.vhost.publisher.publishing_to_keys("x", (key, "a", "b", "c"), [letter], 1))
    copied = bodies(place)
    assert sum(map(len, copied.values())) == len(KEYS)
    if kind != "x-random":
        for number, key in enumerate(KEYS):
            place.publish(b"%d" % number, exchange="x", routing_key=key)
        assert bodies(place) == copied


@pytest.mark.parametrize("kind", ["x-consistent-hash", "x-modulus-hash", "x-super-stream"])
def test_where_nothing_is_bound_the_alternate_exchange_gets_it(
    place: VhostUnderTest, kind: str
) -> None:
    place.exchange("x", kind, alternate="amq.fanout")
    lost = place.publish(b"lost", exchange="x", routing_key="k")
    assert list(lost.unroutable) == [0]
    place.bind("amq.fanout", "p")
    assert place.publish(b"kept", exchange="x", routing_key="k").unroutable == ()
    assert place.bodies("p") == [b"kept"]


# ── by header or property ──


def test_each_message_of_a_run_goes_by_its_own_header(place: VhostUnderTest) -> None:
    hashing(place, hash_header="device")
    publish_each(place, [{"headers": {"device": key}} for key in KEYS])
    by_header = bodies(place)
    assert all(by_header.values())
    assert place.vhost.publisher.find_targets("x", make_route("x", "same"), "same") is None
    publish_each(place, [{"headers": {"device": key}} for key in KEYS])
    assert bodies(place) == by_header


@pytest.mark.parametrize("name", ["message_id", "correlation_id", "timestamp"])
def test_each_message_of_a_run_goes_by_its_own_property(place: VhostUnderTest, name: str) -> None:
    hashing(place, hash_property=name)
    values = range(60) if name == "timestamp" else KEYS
    published = publish_each(place, [{name: value} for value in values])
    assert published == PublishOutcome([], SAFE_NOW, [])
    by_property = bodies(place)
    assert all(by_property.values())
    publish_each(place, [{name: value} for value in values])
    assert bodies(place) == by_property


@pytest.mark.parametrize("argument", [{"hash_header": "h"}, {"hash_property": "message_id"}])
def test_messages_without_it_all_go_to_one_queue(
    place: VhostUnderTest, argument: dict[str, str]
) -> None:
    hashing(place, **argument)
    publish_each(place, [{}, {"headers": {"other": 1}}, {"app_id": "a"}, {"correlation_id": "c"}])
    assert sorted(map(len, bodies(place).values())) == [0, 0, 4]


def test_a_property_counts_behind_other_exchanges_too(place: VhostUnderTest) -> None:
    hashing(place, hash_property="message_id")
    place.exchange("front")
    place.exchange("front of front", "x-consistent-hash")
    place.bind_exchange("front", "x")
    place.bind_exchange("front of front", "front", "1")
    run = [{"message_id": key} for key in KEYS]
    publish_each(place, run)
    direct = bodies(place)
    publish_each(place, run, "front of front")
    assert bodies(place) == direct


def test_dead_letters_go_by_their_property(place: VhostUnderTest) -> None:
    hashing(place, hash_property="message_id")
    publish_each(place, [{"message_id": key} for key in KEYS])
    direct = bodies(place)
    place.queue("dying", dead_letter_exchange="x", message_ttl=1)
    for number, key in enumerate(KEYS):
        place.publish(b"%d" % number, routing_key="dying", message_id=key)
    place.now_ms += 5
    place.end()
    assert bodies(place) == direct


# ── by chance ──


def test_chance_decides_for_each_message_of_a_run_of_equal_ones(place: VhostUnderTest) -> None:
    hashing(place, "x-random")
    published = publish_each(place, [{}] * 300)
    assert published == PublishOutcome([], SAFE_NOW, [])
    in_queues = bodies(place)
    assert min(map(len, in_queues.values())) > 60
    together = sorted(int(body) for held in in_queues.values() for body in held)
    assert together == [*range(300)]
    for held in in_queues.values():
        assert held == sorted(held, key=int), "in the order of publishing"


def test_chance_behind_another_exchange_decides_for_each_message_too(place: VhostUnderTest) -> None:
    hashing(place, "x-random")
    place.exchange("front")
    place.bind_exchange("front", "x")
    publish_each(place, [{}] * 300, "front")
    assert min(map(len, bodies(place).values())) > 60


def test_by_chance_what_was_refused_is_counted_in_the_whole_run(place: VhostUnderTest) -> None:
    place.queue("full", max_length=1, overflow="reject-publish")
    place.exchange("x", "x-random")
    place.bind("x", "full")
    assert publish_each(place, [{}] * 4) == PublishOutcome([1, 2, 3], SAFE_NOW, [])
    place.unbind("x", "full")
    assert publish_each(place, [{}] * 3) == PublishOutcome([], SAFE_NOW, [0, 1, 2])


# ── in steps ──


def test_among_very_many_queues_a_key_is_placed_in_steps_and_then_remembered(
    place: VhostUnderTest,
) -> None:
    place.exchange("x", "x-consistent-hash")
    names = [f"many {number}" for number in range(40)]
    for name in names:
        place.queue(name)
        place.bind("x", name, str(1 + len(name) % 2))
    at_once = place.vhost.router.route("x", ["key"], None)
    run = [message(b"m", "x", "key")]
    with patch.object(rendezvous, "PIECE_MAX", 2):
        assert place.vhost.publisher.find_targets("x", make_route("x", "key"), "key") is None
        steps = place.vhost.publisher.publishing("x", run, place.now_ms)
        assert 8 < sum(1 for _ in steps) <= 20
        (name,) = at_once.queue_names
        assert place.bodies(name) == [b"m"]
        assert place.vhost.publisher.find_targets("x", make_route("x", "key"), "key") is not None


def test_chance_takes_a_step_for_each_message(place: VhostUnderTest) -> None:
    hashing(place, "x-random")
    run = [message(b"m", "x", "same")] * 50
    steps = place.vhost.publisher.publishing("x", run, place.now_ms)
    for number in range(20):
        next(steps)
        next(steps)
        assert sum(map(len, bodies(place).values())) <= 1, number
