"""From a queue over its dead letter exchange to another queue, and round in circles."""

import pytest

from amqp_server.wire import tables
from persistence.record import Record
from queues.kinds import QUORUM
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer
from tests.support.vhosts import EPOCH_S, NOW_MS, VhostUnderTest, headers_of, plain_headers


@pytest.fixture
def place() -> VhostUnderTest:
    """A vhost where what dies in ``jobs`` ends in ``dead``."""
    place = VhostUnderTest()
    place.exchange("dlx")
    place.queue("dead")
    place.bind("dlx", "dead")
    return place


def deaths_of(letter: Record) -> list[dict[str, object]]:
    """Return the entries of x-death as plain values."""
    deaths = plain_headers(letter)["x-death"]
    assert isinstance(deaths, list)
    return deaths


# ── every way to die ──


def test_a_rejected_message_goes_to_the_dead_letter_exchange(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx")
    place.publish(b"m")
    place.reject()
    (letter,) = place.take("dead")
    assert (letter.body, letter.exchange, letter.routing_key) == (b"m", "dlx", "jobs")
    assert deaths_of(letter) == [
        {
            "count": 1,
            "reason": "rejected",
            "queue": "jobs",
            "time": EPOCH_S + NOW_MS // 1000,
            "exchange": "",
            "routing-keys": ["jobs"],
        }
    ]


def test_expired_messages_follow_in_order_at_their_time(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx", message_ttl=2_000)
    place.publish(b"a", b"b")
    place.end()
    place.advance(1_999)
    assert place.bodies("dead") == []
    place.advance(1)
    letters = place.take("dead")
    assert [letter.body for letter in letters] == [b"a", b"b"]
    (death,) = deaths_of(letters[0])
    assert (death["reason"], death["time"]) == ("expired", EPOCH_S + (NOW_MS + 2_000) // 1000)


def test_an_expired_message_does_not_expire_again(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx")
    place.publish(b"m", expiration="100")
    place.end()
    place.advance(100)
    place.advance(1_000_000)
    (letter,) = place.take("dead")
    (death,) = deaths_of(letter)
    assert death["original-expiration"] == "100"


def test_the_excess_over_a_length_is_dead_lettered_oldest_first(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx", max_length=1)
    place.publish(b"a", b"b", b"c")
    place.end()
    letters = place.take("dead")
    assert [letter.body for letter in letters] == [b"a", b"b"]
    assert plain_headers(letters[0])["x-first-death-reason"] == "maxlen"
    assert place.bodies() == [b"c"]


def test_a_refused_publish_is_dead_lettered_where_the_queue_says_so(
    place: VhostUnderTest,
) -> None:
    place.queue(dead_letter_exchange="dlx", max_length=1, overflow="reject-publish-dlx")
    assert place.publish(b"a", b"b").rejected == [1]
    place.end()
    assert place.bodies("dead") == [b"b"]


def test_too_many_returns_kill_a_message_of_a_quorum_queue(place: VhostUnderTest) -> None:
    queue = place.queue("qq", queue_type="quorum", delivery_limit=1, dead_letter_exchange="dlx")
    assert queue.kind is QUORUM
    consumer = FakeConsumer()
    queue.engine.consume(consumer, place.now_ms)
    place.publish(b"m", routing_key="qq")
    for _ in range(2):
        place.end()
        queue.engine.requeue(single_batches(consumer.take_unacked()), place.now_ms)
    place.end()
    (letter,) = place.take("dead")
    assert plain_headers(letter)["x-first-death-reason"] == "delivery_limit"


# ── where to ──


def test_nothing_is_dead_lettered_without_an_exchange(place: VhostUnderTest) -> None:
    place.queue(message_ttl=0)
    place.publish(b"m")
    place.end()
    assert (place.bodies("dead"), place.bodies()) == ([], [])


@pytest.mark.parametrize("exchange", ["missing", "amq.topic"])
def test_what_can_go_nowhere_is_dropped(place: VhostUnderTest, exchange: str) -> None:
    place.queue(dead_letter_exchange=exchange)
    place.publish(b"m")
    place.reject()
    assert (place.bodies("dead"), place.bodies()) == ([], [])


def test_the_default_exchange_may_be_the_one(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="", dead_letter_routing_key="dead")
    place.publish(b"m")
    place.reject()
    (letter,) = place.take("dead")
    assert (letter.exchange, letter.routing_key) == ("", "dead")


def test_an_internal_exchange_may_be_the_one(place: VhostUnderTest) -> None:
    place.exchange("inside", internal=True)
    place.bind("inside", "dead")
    place.queue(dead_letter_exchange="inside")
    place.publish(b"m")
    place.reject()
    assert place.bodies("dead") == [b"m"]


def test_the_alternate_exchange_of_the_dead_letter_exchange_is_used(
    place: VhostUnderTest,
) -> None:
    place.exchange("first", "direct", alternate="dlx")
    place.queue(dead_letter_exchange="first")
    place.publish(b"m")
    place.reject()
    assert place.bodies("dead") == [b"m"]


def test_an_exchange_that_comes_later_gets_what_dies_later(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="later")
    place.publish(b"a", b"b")
    place.reject()
    place.exchange("later")
    place.bind("later", "dead")
    place.reject()
    assert place.bodies("dead") == [b"b"]


def test_all_keys_of_the_message_route_it_again(place: VhostUnderTest) -> None:
    for name in ("own", "copied"):
        place.queue(name)
        place.bind("amq.direct", name, name)
    place.queue("q", dead_letter_exchange="amq.direct")
    place.bind("amq.direct", "q", "own")
    place.publish(b"m", exchange="amq.direct", routing_key="own", headers={"CC": ["copied"]})
    assert place.bodies("own") == [b"m"], "the copy in q is the one that dies"
    place.reject("q")
    assert place.bodies("own") == place.bodies("copied") == [b"m"]


def test_a_headers_exchange_sees_how_it_died(place: VhostUnderTest) -> None:
    place.bind("amq.headers", "dead", arguments={"x-first-death-reason": "rejected"})
    place.bind("amq.headers", "dead", arguments={"mine": 1, "x-match": "all"})
    place.queue(dead_letter_exchange="amq.headers")
    place.publish(b"m", headers={"mine": 1})
    place.reject()
    assert place.bodies("dead") == [b"m"]


def test_a_policy_may_name_the_exchange_and_the_key(place: VhostUnderTest) -> None:
    place.queue()
    place.publish(b"a", b"b")
    place.policy({"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}, pattern="^jobs$")
    place.reject()
    place.clear_policy()
    place.reject()
    assert place.bodies("dead") == [b"a"]


def test_arguments_beat_the_policy(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx")
    place.policy({"dead-letter-exchange": "amq.topic"})
    place.publish(b"m")
    place.reject()
    assert place.bodies("dead") == [b"m"]


def test_what_was_purged_or_deleted_is_not_dead_lettered(place: VhostUnderTest) -> None:
    queue = place.queue(dead_letter_exchange="dlx")
    place.publish(b"a")
    queue.engine.purge()
    place.publish(b"b")
    place.delete_queue("jobs")
    place.end()
    assert place.bodies("dead") == []


# ── circles ──


def test_a_circle_without_a_reject_drops_the_message(place: VhostUnderTest) -> None:
    place.queue("a", dead_letter_exchange="", dead_letter_routing_key="b", message_ttl=10)
    place.queue("b", dead_letter_exchange="", dead_letter_routing_key="a", message_ttl=10)
    place.publish(b"m", routing_key="a")
    place.end()
    place.advance(10)
    assert len(place.vhost.queues) == 3
    assert [queue.engine.ready_count for queue in place.vhost.queues] == [0, 0, 1]
    place.advance(10)
    assert [queue.engine.ready_count for queue in place.vhost.queues] == [0, 0, 0]


def test_a_queue_that_dead_letters_into_itself_drops_what_expires(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="", message_ttl=0)
    place.publish(b"m")
    place.end()
    assert place.bodies() == []


def test_a_rejected_message_may_go_round_and_is_counted(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="")
    place.publish(b"m")
    for _ in range(3):
        place.reject()
    (letter,) = place.take()
    (death,) = deaths_of(letter)
    assert (death["count"], death["reason"]) == (3, "rejected")


def test_retry_by_ttl_goes_round_since_the_worker_rejects(place: VhostUnderTest) -> None:
    """The delayed retry that many clients build: reject, wait in another queue, come back."""
    place.queue("work", dead_letter_exchange="", dead_letter_routing_key="wait")
    place.queue("wait", dead_letter_exchange="", dead_letter_routing_key="work", message_ttl=1_000)
    place.publish(b"m", routing_key="work")
    for _ in range(3):
        place.reject("work")
        place.advance(1_000)
    (letter,) = place.take("work")
    assert [(death["queue"], death["count"]) for death in deaths_of(letter)] == [
        ("wait", 3),
        ("work", 3),
    ]


def test_only_the_queue_that_closes_the_circle_is_left_out(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="dlx", message_ttl=0)
    place.bind("dlx", "jobs")
    place.publish(b"m")
    place.end()
    assert place.bodies("dead") == [b"m"]
    assert place.bodies() == []


def test_a_full_queue_that_dead_letters_into_itself_comes_to_rest(place: VhostUnderTest) -> None:
    place.queue(dead_letter_exchange="", max_length=2)
    place.publish(*[b"%d" % index for index in range(10)])
    place.end()
    assert place.bodies() == [b"8", b"9"]


def test_headers_that_grew_past_what_is_read_do_not_raise(
    place: VhostUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ELEMENTS_MAX", 20)
    place.queue(dead_letter_exchange="dlx")
    place.publish(b"m", headers={f"k{index}": 1 for index in range(20)})
    place.reject()
    (letter,) = place.take("dead")
    assert letter.body == b"m"


def test_headers_that_cannot_be_read_do_not_keep_a_message_from_dying(
    place: VhostUnderTest,
) -> None:
    place.queue(dead_letter_exchange="dlx")
    place.publish(b"m", headers=b"\x00\x00\x00\x03\x01kZ")
    place.reject()
    (letter,) = place.take("dead")
    assert "x-death" in headers_of(letter)
