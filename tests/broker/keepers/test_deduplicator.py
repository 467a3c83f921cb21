import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.keepers.deduplicator import PASSED_MAX, Deduplicator
from amqp_server.broker.steps import finish
from persistence.record import Record
from queues.commits import SAFE_NOW
from queues.outcomes import PublishOutcome
from tests.support.vhosts import VhostUnderTest, message

KEY = "x-deduplication-header"
TYPE = "x-message-deduplication"


def deduplicating(
    kind: str = TYPE, *, budget: TurnBudget | None = None, **arguments: object
) -> VhostUnderTest:
    """Return a vhost whose exchange ``x`` deduplicates what goes to the queue ``jobs``."""
    rig = VhostUnderTest(budget=budget)
    named = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    rig.exchange("x", kind, arguments={"x-cache-size": 100} | named)
    rig.queue("jobs")
    rig.bind("x", "jobs", "jobs")
    return rig


def keyed(
    body: bytes, key: object, exchange: str = "x", ttl: int | None = None, **properties: object
) -> Record:
    headers = {KEY: key} if ttl is None else {KEY: key, "x-cache-ttl": ttl}
    return message(body, exchange, "jobs", headers=headers, **properties)


def send(rig: VhostUnderTest, *run: Record, exchange: str = "x") -> PublishOutcome:
    outcome = rig.vhost.publisher.publish(exchange, run, rig.now_ms)
    rig.end()
    return outcome


def deduplicator(rig: VhostUnderTest, name: str = "x") -> Deduplicator:
    found = rig.vhost.keepers.deduplicator(name)
    assert found is not None, "the exchange deduplicates"
    return found


def test_a_message_is_routed_once() -> None:
    rig = deduplicating()
    assert not send(rig, keyed(b"1", "k")).unroutable
    assert list(send(rig, keyed(b"2", "k")).unroutable) == [0]
    send(rig, keyed(b"3", "other"))
    assert rig.bodies() == [b"1", b"3"]
    assert deduplicator(rig).seen.duplicates_count == 1


def test_duplicates_within_a_run_and_messages_without_a_key() -> None:
    rig = deduplicating()
    outcome = send(
        rig,
        keyed(b"1", "k"),
        keyed(b"2", "k"),
        message(b"3", "x"),
        message(b"4", "x"),
        keyed(b"5", "j"),
        keyed(b"6", "k"),
    )
    assert list(outcome.unroutable) == [1, 5]
    assert rig.bodies() == [b"1", b"3", b"4", b"5"]


def test_a_key_is_any_scalar_and_numbers_are_alike_whatever_their_width() -> None:
    rig = deduplicating()
    keys = ["1", 1, True, 1.5, 2**40, b"1", -1, None, [1], {"a": 1}, None, [1]]
    outcome = send(rig, *[keyed(bytes([65 + index]), key) for index, key in enumerate(keys)])
    assert [keys[index] for index in outcome.unroutable] == [b"1"], "as the text"


def test_duplicates_go_to_the_alternate_exchange() -> None:
    rig = VhostUnderTest()
    rig.exchange("again", "fanout")
    rig.queue("again")
    rig.bind("again", "again")
    rig.exchange("x", TYPE, alternate="again", arguments={"x-cache-size": 10})
    rig.queue("jobs")
    rig.bind("x", "jobs")
    outcome = send(rig, keyed(b"1", "k"), keyed(b"2", "k"), keyed(b"3", "k"))
    assert not outcome.unroutable
    assert (rig.bodies(), rig.bodies("again")) == ([b"1"], [b"2", b"3"])


def test_what_a_queue_refuses_was_not_seen() -> None:
    rig = VhostUnderTest()
    rig.exchange("x", TYPE, arguments={"x-cache-size": 10})
    rig.queue("jobs", max_length=1, overflow="reject-publish")
    rig.bind("x", "jobs")
    first = send(rig, keyed(b"1", "a"), keyed(b"2", "b"), keyed(b"3", "b"))
    assert list(first.rejected) == [1, 2], "what repeats a refused message is refused"
    assert rig.bodies() == [b"1"]
    assert not send(rig, keyed(b"4", "b")).rejected
    assert rig.bodies() == [b"4"]


def test_what_reached_no_queue_was_not_seen() -> None:
    rig = VhostUnderTest()
    rig.exchange("x", TYPE, arguments={"x-cache-size": 10})
    assert list(send(rig, keyed(b"1", "k"), keyed(b"2", "k")).unroutable) == [0, 1]
    rig.queue("jobs")
    rig.bind("x", "jobs")
    send(rig, keyed(b"3", "k"))
    assert rig.bodies() == [b"3"]
    assert deduplicator(rig).seen.duplicates_count == 0


def test_a_persistent_message_does_not_repeat_a_transient_one() -> None:
    rig = deduplicating()
    send(rig, keyed(b"1", "k"), keyed(b"2", "k", delivery_mode=2))
    send(rig, keyed(b"3", "k"), keyed(b"4", "k", delivery_mode=2))
    assert rig.bodies() == [b"1", b"2"]


def test_a_key_is_remembered_for_its_time() -> None:
    rig = deduplicating(cache_ttl=1_000)
    send(rig, keyed(b"1", "a"), keyed(b"2", "b", ttl=5_000))
    rig.advance(999)
    send(rig, keyed(b"3", "a"), keyed(b"4", "b"))
    rig.advance(1)
    assert deduplicator(rig).seen.count == 1, "forgotten without a publish"
    send(rig, keyed(b"5", "a"), keyed(b"6", "b"))
    rig.advance(4_000)
    send(rig, keyed(b"7", "b"))
    assert rig.bodies() == [b"1", b"2", b"5", b"7"]
    rig.advance(5_000)
    assert (deduplicator(rig).seen.count, deduplicator(rig).seen.memory_bytes) == (0, 0)


def test_the_oldest_keys_go_first() -> None:
    rig = deduplicating(cache_size=3)
    send(rig, *[keyed(b"%d" % number, number) for number in range(5)])
    assert deduplicator(rig).seen.count == 3
    assert len(rig.bodies()) == 5
    send(rig, *[keyed(b"%d" % number, number) for number in (4, 3, 2, 1)])
    assert rig.bodies() == [b"1"]


def test_any_type_deduplicates_by_an_argument_and_by_a_header_of_its_choice() -> None:
    rig = deduplicating("direct", message_deduplication=True, deduplication_header="id")
    send(rig, message(b"1", "x", headers={"id": "k"}), keyed(b"2", "k"), keyed(b"3", "k"))
    send(rig, message(b"4", "x", headers={"id": "k"}))
    send(rig, message(b"5", "x", "elsewhere", headers={"id": "j"}))
    assert rig.bodies() == [b"1", b"2", b"3"]


def test_without_the_argument_nothing_is_deduplicated() -> None:
    rig = deduplicating("direct", message_deduplication=False)
    send(rig, keyed(b"1", "k"), keyed(b"2", "k"))
    assert rig.bodies() == [b"1", b"2"]
    assert rig.vhost.keepers.deduplicator("x") is None


@pytest.mark.parametrize("kind", ["headers", "x-random", "topic", "x-recent-history"])
def test_types_inside(kind: str) -> None:
    rig = deduplicating(kind, message_deduplication=True)
    run = [keyed(b"%d" % number, number % 3) for number in range(6)]
    send(rig, *run)
    assert rig.bodies() == [b"0", b"1", b"2"]


def test_bound_exchanges_and_cycles_of_them() -> None:
    rig = deduplicating()
    rig.exchange("before", "fanout")
    rig.bind_exchange("before", "x")
    rig.exchange("y", TYPE, arguments={"x-cache-size": 10})
    rig.bind_exchange("x", "y")
    rig.bind_exchange("y", "x")
    send(rig, keyed(b"1", "k", "before"), keyed(b"2", "k", "before"), exchange="before")
    send(rig, keyed(b"3", "k", "x"))
    assert rig.bodies() == [b"1"]
    send(rig, keyed(b"4", "j", "y"), exchange="y")
    send(rig, keyed(b"5", "j", "before"), exchange="before")
    assert rig.bodies() == [b"4"]


def test_a_long_chain_ends() -> None:
    rig = VhostUnderTest()
    for number in range(PASSED_MAX + 5):
        rig.exchange(f"x{number}", TYPE, arguments={"x-cache-size": 10})
        rig.queue(f"q{number}")
        rig.bind(f"x{number}", f"q{number}")
        if number:
            rig.bind_exchange(f"x{number - 1}", f"x{number}")
    send(rig, keyed(b"1", "k", "x0"), exchange="x0")
    got = [rig.bodies(f"q{number}") for number in range(PASSED_MAX + 5)]
    assert got == [[b"1"]] * PASSED_MAX + [[]] * 5


def test_several_routing_keys() -> None:
    rig = deduplicating("direct", message_deduplication=True)
    rig.queue("more")
    rig.bind("x", "more", "more")
    for body in (b"1", b"2"):
        run = [keyed(body, "k")]
        finish(rig.vhost.publisher.publishing_to_keys("x", ["jobs", "more"], run, rig.now_ms))
    assert (rig.bodies(), rig.bodies("more")) == ([b"1"], [b"1"])


def test_dead_letters_pass_it_too() -> None:
    rig = deduplicating()
    rig.queue("dying", dead_letter_exchange="x", dead_letter_routing_key="jobs")
    for body in (b"1", b"2"):
        rig.vhost.publisher.publish("", [keyed(body, "k", "")._replace(route=b"\0\5dying")], 1)
        rig.reject("dying")
    assert rig.bodies() == [b"1"]


def test_what_repeats_a_message_that_is_on_its_way_is_refused() -> None:
    rig = VhostUnderTest(budget=TurnBudget(iter(range(10**9)).__next__, 1))
    rig.exchange("x", TYPE, arguments={"x-cache-size": 10})
    for number in range(300):
        rig.queue(f"q{number}")
        rig.bind("x", f"q{number}")
    one = rig.vhost.publisher.publishing("x", [keyed(b"1", "k")], rig.now_ms)
    two = rig.vhost.publisher.publishing("x", [keyed(b"2", "k")], rig.now_ms)
    for _ in range(3):
        next(one)
    assert list(finish(two).rejected) == [0], "nobody can say yet that it is a duplicate"
    assert not list(finish(one).unroutable)
    assert list(send(rig, keyed(b"3", "k")).unroutable) == [0]
    assert rig.bodies("q0") == rig.bodies("q299") == [b"1"]


def test_the_dead_letters_of_a_queue_that_goes_do_not_wait() -> None:
    rig = deduplicating()
    for number in range(200):
        rig.queue(f"q{number}")
        rig.bind("x", f"q{number}")
    rig.queue("dying", dead_letter_exchange="x")
    rig.vhost.publisher.publish_to_queue("dying", [keyed(b"d", "d", "")], rig.now_ms)
    got = rig.vhost.queues.get("dying", None).engine.get(rig.now_ms)
    assert got is not None, "it is there"
    one = rig.vhost.publisher.publishing("x", [keyed(b"1", "k")], rig.now_ms)
    next(one)
    next(one)
    rig.vhost.queues.get("dying", None).engine.reject((got[0],), rig.now_ms)
    rig.delete_queue("dying")
    assert rig.bodies("q0") == [b"1", b"d"], "it did not wait for the other"
    assert not finish(one).rejected
    assert rig.bodies("q199") == [b"d", b"1"]


def test_one_who_leaves_meanwhile_holds_up_nobody() -> None:
    rig = deduplicating()
    for number in range(200):
        rig.queue(f"q{number}")
        rig.bind("x", f"q{number}")
    one = rig.vhost.publisher.publishing("x", [keyed(b"1", "k")], rig.now_ms)
    next(one)
    next(one)
    one.close()
    assert not send(rig, keyed(b"2", "k")).unroutable


def test_twenty_thousand_keys_in_one_write() -> None:
    rig = deduplicating(cache_size=20_000)
    run = [keyed(b"", number) for number in range(20_000)]
    assert not send(rig, *run).unroutable
    assert len(send(rig, *run).unroutable) == 20_000
    assert len(rig.bodies()) == 20_000


def test_a_deleted_exchange_keeps_nothing() -> None:
    rig = deduplicating()
    send(rig, keyed(b"1", "k"))
    seen = deduplicator(rig).seen
    finish(rig.vhost.exchanges.deleting("x", if_unused=False))
    assert (seen.count, seen.memory_bytes) == (0, 0)
    rig.exchange("x", TYPE, arguments={"x-cache-size": 100})
    rig.bind("x", "jobs")
    send(rig, keyed(b"2", "k"))
    assert rig.bodies() == [b"1", b"2"]


def test_what_is_safe_at_once_is_confirmed_at_once() -> None:
    rig = deduplicating()
    assert send(rig, keyed(b"1", "k"), keyed(b"2", "k")).safe_at is SAFE_NOW


SIZE = "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"
TTL = "Invalid argument, 'x-cache-ttl' must be an integer greater than 0"


@pytest.mark.parametrize(
    ("kind", "arguments", "text"),
    [
        (TYPE, {}, SIZE),
        (TYPE, {"x-cache-size": 0}, SIZE),
        (TYPE, {"x-cache-size": "many"}, SIZE),
        (TYPE, {"x-cache-size": True}, SIZE),
        ("topic", {"x-message-deduplication": True, "x-cache-size": -1}, SIZE),
        (
            TYPE,
            {"x-cache-size": 10_000_001},
            "Invalid argument, 'x-cache-size' must be at most 10000000",
        ),
        (TYPE, {"x-cache-size": 1, "x-cache-ttl": 0}, TTL),
        (TYPE, {"x-cache-size": 1, "x-cache-ttl": "soon"}, TTL),
        (TYPE, {"x-cache-size": 1, "x-cache-ttl": 10**15}, TTL),
        (
            TYPE,
            {"x-cache-size": 1, "x-cache-persistence": ["disk"]},
            "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'",
        ),
        (
            TYPE,
            {"x-cache-size": 1, "x-deduplication-header": ""},
            "Invalid argument, 'x-deduplication-header' must be the name of a header",
        ),
        (
            "x-delayed-message",
            {"x-delayed-type": "direct", "x-message-deduplication": True},
            (
                "Invalid argument, 'x-message-deduplication' cannot be used with an exchange of"
                " type 'x-delayed-message': bind that exchange to one that deduplicates"
            ),
        ),
        (
            "x-delayed-message",
            {"x-delayed-type": TYPE, "x-cache-size": 1},
            "Invalid argument, 'x-message-deduplication' can't be used for 'x-delayed-type'",
        ),
    ],
)
def test_what_is_refused(kind: str, arguments: dict[str, object], text: str) -> None:
    rig = VhostUnderTest()
    with pytest.raises(PreconditionFailedError) as refusal:
        rig.exchange("x", kind, arguments=arguments)
    assert str(refusal.value) == text


@pytest.mark.parametrize("given", [{"x-cache-size": "5"}, {"x-cache-size": 5, "x-cache-ttl": "9"}])
def test_numbers_may_be_texts(given: dict[str, object]) -> None:
    rig = VhostUnderTest()
    rig.exchange("x", TYPE, arguments=given)
    assert deduplicator(rig).window.size == 5
