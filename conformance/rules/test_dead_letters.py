"""Dead lettering: reasons, headers, keys, cycles; delivery limits of quorum queues (§2.5, §2.6)."""

import time
from typing import Any

from pamqp import commands

from conformance import fields
from conformance.check import Case, Differs, cases, check
from conformance.client import Channel
from conformance.events import Event
from conformance.fields import Typed
from conformance.peer import Peer, bind

SINCE_313 = "x-last-death-* came with 3.13"
SHORT_MS = 40


class Letters:
    """A source queue that dead-letters to a target queue, through a fresh exchange."""

    def __init__(self, peer: Peer, channel: Channel, **arguments: Any) -> None:  # noqa: ANN401
        self.channel = channel
        self.exchange = peer.exchange(channel, "fanout")
        self.target = peer.bound_queue(channel, self.exchange, hint="target")
        arguments = {
            "x-dead-letter-exchange": self.exchange,
            **{f"x-{key.replace('_', '-')}": value for key, value in arguments.items()},
        }
        durable = arguments.get("x-queue-type") == "quorum"
        self.source = peer.queue(channel, "source", durable=durable, arguments=arguments)

    def reject(self, body: bytes = b"m", **properties: Any) -> Event:  # noqa: ANN401
        """Publish to the source, reject there, and get the dead letter."""
        self.channel.publish(body, routing_key=self.source, **properties)
        event = self.channel.get_soon_unacked(self.source)
        self.channel.reject(event.tag, requeue=False)
        return self.channel.get_soon(self.target)


def _reject(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel)
    return letters, letters.reject()


def _nack(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel)
    channel.publish(b"m", routing_key=letters.source)
    event = channel.get_one(letters.source, no_ack=False)
    channel.nack(event.tag, requeue=False)
    return letters, channel.get_soon(letters.target)


def _expire(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel, message_ttl=SHORT_MS)
    channel.publish(b"m", routing_key=letters.source)
    return letters, channel.get_soon(letters.target)


def _overflow(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel, max_length=0)
    channel.publish(b"m", routing_key=letters.source)
    return letters, channel.get_soon(letters.target)


def _overflow_rejected(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel, max_length=0, overflow="reject-publish-dlx")
    channel.publish(b"m", routing_key=letters.source)
    return letters, channel.get_soon(letters.target)


def _limit(peer: Peer, channel: Channel) -> tuple[Letters, Event]:
    letters = Letters(peer, channel, queue_type="quorum", delivery_limit=1)
    channel.publish(b"m", routing_key=letters.source)
    for _ in range(2):
        channel.reject(channel.get_soon_unacked(letters.source).tag, requeue=True)
    return letters, channel.get_soon(letters.target)


@cases(
    "dead-letter.reason-",
    {
        "reject": Case(_reject, "rejected"),
        "nack": Case(_nack, "rejected"),
        "ttl": Case(_expire, "expired"),
        "max-length": Case(_overflow, "maxlen"),
        "reject-publish-dlx": Case(_overflow_rejected, "maxlen"),
        "delivery-limit": Case(_limit, "delivery_limit"),
    },
    ref="2.6-reasons",
    ninth=8,
)
def a_dead_letter_tells_why(peer: Peer, die: Any) -> None:  # noqa: ANN401 - one of the above
    letters, event = die(peer, peer.channel())
    headers = fields.plain(event.headers)
    death = headers["x-death"][0]
    assert (death["reason"], death["queue"]) == (peer.expected, letters.source)
    assert headers["x-first-death-reason"] == peer.expected
    assert event.body == b"m"


LAYOUT = [
    ("count", "l"),
    ("reason", "S"),
    ("queue", "S"),
    ("time", "T"),
    ("exchange", "S"),
    ("routing-keys", "A"),
]


@check("dead-letter.x-death.layout", ref="2.6-x-death", ninth=8, expect=LAYOUT)
def an_entry_has_these_fields_in_this_order_and_types(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel)
    event = letters.reject()
    assert event.headers["x-death"].tag == "A"
    entry = event.headers["x-death"].value[0]
    assert entry.tag == "F"
    assert [(name, field.tag) for name, field in entry.value.items()] == peer.expected
    values = fields.plain(entry)
    assert (values["count"], values["reason"]) == (1, "rejected")
    assert (values["exchange"], values["routing-keys"]) == ("", [letters.source])
    assert abs(values["time"] - time.time()) < 60


@check(
    "dead-letter.x-death.original-expiration",
    ref="2.6-x-death",
    ninth=8,
    expect=[("original-expiration", "S"), *LAYOUT],
    rabbitmq_310=Differs(
        "before 3.13 the field came last",
        [*LAYOUT, ("original-expiration", "S")],
    ),
)
def an_expiration_moves_into_the_entry(peer: Peer) -> None:
    channel = peer.channel()
    event = Letters(peer, channel).reject(expiration="60000")
    entry = event.headers["x-death"].value[0].value
    layout = [(name, field.tag) for name, field in entry.items()]
    assert layout == peer.expected, layout
    assert fields.plain(entry)["original-expiration"] == "60000"


@check("dead-letter.expiration-removed", ref="2.6-expiration", ninth=8)
def a_dead_letter_does_not_expire_again(peer: Peer) -> None:
    channel = peer.channel()
    event = Letters(peer, channel).reject(expiration="60000", priority=3, message_id="mine")
    assert "expiration" not in event.properties
    assert (event.properties["priority"], event.properties["message_id"]) == (3, "mine")


@cases(
    "dead-letter.x-first-death-",
    {
        "queue": Case("x-first-death-queue", "{source}"),
        "reason": Case("x-first-death-reason", "rejected"),
        "exchange": Case("x-first-death-exchange", ""),
    },
    ref="2.6-first-last",
    ninth=8,
)
def the_first_death_is_told_in_headers(peer: Peer, header: str) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel)
    found = letters.reject().headers[header]
    assert found == Typed("S", peer.expected.replace("{source}", letters.source)), found


@cases(
    "dead-letter.x-last-death-",
    {
        key: Case(f"x-last-death-{key}", value, rabbitmq_310=Differs(SINCE_313, ""))
        for key, value in (("queue", "{second}"), ("reason", "expired"), ("exchange", "{exchange}"))
    },
    ref="2.6-first-last",
    ninth=8,
)
def the_last_death_is_told_in_headers(peer: Peer, header: str) -> None:
    channel = peer.channel()
    letters, second, event = _two_deaths(peer, channel)
    if not peer.expected:
        assert header not in event.headers
        return
    wanted = peer.expected.replace("{second}", second).replace("{exchange}", letters.exchange)
    assert event.headers[header] == Typed("S", wanted), event.headers[header]
    assert event.headers["x-first-death-queue"] == Typed("S", letters.source)


def _two_deaths(peer: Peer, channel: Channel) -> tuple[Letters, str, Event]:
    """Reject a message in one queue, let it expire in a second one, and get the dead letter."""
    letters = Letters(peer, channel)
    end = peer.queue(channel, "end")
    second = peer.queue(
        channel,
        "second",
        arguments={
            "x-message-ttl": SHORT_MS,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": end,
        },
    )
    bind(channel, second, letters.exchange)
    letters.reject()
    return letters, second, channel.get_soon(end)


@check("dead-letter.x-death.order", ref="2.6-x-death", ninth=8)
def the_latest_death_comes_first(peer: Peer) -> None:
    letters, second, event = _two_deaths(peer, peer.channel())
    deaths = fields.plain(event.headers)["x-death"]
    assert [(death["queue"], death["reason"]) for death in deaths] == [
        (second, "expired"),
        (letters.source, "rejected"),
    ]


def _ring(peer: Peer, channel: Channel, **arguments: Any) -> tuple[str, str]:  # noqa: ANN401
    """Two queues that dead-letter to each other by the default exchange."""
    names = peer.name("work"), peer.name("wait")
    for name, other in (names, names[::-1]):
        channel.declare(
            name,
            arguments={
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": other,
                **(arguments if name == names[1] else {}),
            },
        )
    return names


@check("dead-letter.x-death.count", ref="2.6-repeat", ninth=8, expect=[1, 2, 3])
def the_same_death_again_counts_up_in_one_entry(peer: Peer) -> None:
    channel = peer.channel()
    work, wait = _ring(peer, channel, **{"x-message-ttl": SHORT_MS})
    channel.publish(b"m", routing_key=work)
    counts = []
    for _ in range(3):
        channel.reject(channel.get_soon_unacked(work).tag, requeue=False)
        event = channel.get_soon_unacked(work)
        deaths = fields.plain(event.headers)["x-death"]
        assert {(death["queue"], death["reason"]) for death in deaths} == {
            (work, "rejected"),
            (wait, "expired"),
        }
        assert (deaths[0]["queue"], len(deaths)) == (wait, 2)
        counts.append(deaths[1]["count"])
        channel.nack(event.tag, requeue=True)
    assert counts == peer.expected, counts


@check("dead-letter.cycle.dropped", ref="2.6-cycle", ninth=9)
def a_cycle_without_a_rejection_ends(peer: Peer) -> None:
    channel = peer.channel()
    work, wait = peer.name("work"), peer.name("wait")
    for name, other in ((work, wait), (wait, work)):
        arguments = {
            "x-message-ttl": SHORT_MS,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": other,
        }
        channel.declare(name, arguments=arguments)
    channel.publish(b"m", routing_key=work)
    time.sleep(6 * SHORT_MS / 1000)
    counts = [channel.settle(name).message_count for name in (work, wait)]
    assert counts == [0, 0], counts


@check("dead-letter.cycle.self", ref="2.6-cycle", ninth=9)
def a_queue_that_expires_into_itself_drops(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    arguments = {
        "x-message-ttl": SHORT_MS,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
    }
    channel.declare(queue, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    time.sleep(4 * SHORT_MS / 1000)
    channel.await_count(queue, 0)


@check("dead-letter.cycle.rejected", ref="2.6-cycle", ninth=9)
def a_cycle_with_a_rejection_goes_on(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.name()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}
    channel.declare(queue, arguments=arguments)
    channel.publish(b"m", routing_key=queue)
    for _ in range(5):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=False)
    assert channel.get_soon(queue).body == b"m"


@check("dead-letter.routing-key.kept", ref="2.6-routing-key")
def without_a_key_of_its_own_the_original_keys_are_used(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "direct")
    source = peer.queue(channel, arguments={"x-dead-letter-exchange": exchange})
    targets = [peer.bound_queue(channel, exchange, key) for key in (source, "cc", "bcc")]
    channel.publish(b"m", routing_key=source, headers={"CC": ["cc"], "BCC": ["bcc"]})
    channel.reject(channel.get_soon_unacked(source).tag, requeue=False)
    assert channel.get_soon(targets[0]).method["routing_key"] == source
    assert channel.get_soon(targets[1]).body == b"m"


@check("dead-letter.routing-key.overridden", ref="2.6-routing-key")
def a_key_of_the_queue_overrides_and_drops_cc(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel, dead_letter_routing_key="dead")
    event = letters.reject(headers={"CC": ["cc"], "BCC": ["bcc"], "mine": 1})
    headers = fields.plain(event.headers)
    assert event.method["routing_key"] == "dead"
    assert event.method["exchange"] == letters.exchange
    assert "CC" not in headers
    assert "BCC" not in headers
    assert headers["mine"] == 1
    assert headers["x-death"][0]["routing-keys"] == [letters.source, "cc"]


@check("dead-letter.missing-exchange", ref="2.6-missing")
def a_missing_dead_letter_exchange_drops(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel, arguments={"x-dead-letter-exchange": peer.name()})
    channel.publish(b"m", routing_key=queue)
    channel.reject(channel.get_soon_unacked(queue).tag, requeue=False)
    channel.await_count(queue, 0)


@check("dead-letter.late-exchange", ref="2.6-missing")
def a_dead_letter_exchange_may_come_later_than_the_queue(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.name()
    source = peer.queue(channel, arguments={"x-dead-letter-exchange": exchange})
    channel.call(commands.Exchange.Declare, exchange=exchange, exchange_type="fanout")
    target = peer.bound_queue(channel, exchange)
    channel.publish(b"m", routing_key=source)
    channel.reject(channel.get_soon_unacked(source).tag, requeue=False)
    assert channel.get_soon(target).body == b"m"


@check("dead-letter.requeue", ref="2.6-requeue")
def a_requeue_is_no_death(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel)
    channel.publish(b"m", routing_key=letters.source)
    channel.reject(channel.get_soon_unacked(letters.source).tag, requeue=True)
    event = channel.get_soon(letters.source)
    assert "headers" not in event.properties
    channel.await_count(letters.target, 0)


@check("dead-letter.order", ref="2.6-order", expect=[b"1", b"2", b"3"])
def dead_letters_keep_their_order_and_mode(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel, message_ttl=SHORT_MS)
    for body in (b"1", b"2", b"3"):
        channel.publish(body, routing_key=letters.source, delivery_mode=2)
    events = [channel.get_soon(letters.target) for _ in range(3)]
    assert [event.body for event in events] == peer.expected
    assert all(event.properties["delivery_mode"] == 2 for event in events)


@check("dead-letter.order-of-priorities", ref="2.6-order", expect=[b"3", b"1", b"4", b"2"])
def what_a_priority_queue_rejects_together_dies_the_highest_priority_first(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel, max_priority=5)
    channel.consume(letters.source)
    for body, priority in ((b"1", 1), (b"2", 0), (b"3", 7), (b"4", 1)):
        channel.publish(body, routing_key=letters.source, priority=priority)
        assert channel.bodies(1) == [body]
    channel.nack(0, requeue=False, multiple=True)
    assert [channel.get_soon(letters.target).body for _ in range(4)] == peer.expected


@check("dead-letter.headers-kept", ref="2.6-x-death", ninth=8)
def the_messages_own_headers_keep_their_types(peer: Peer) -> None:
    channel = peer.channel()
    own = {"u": Typed("u", 7), "n": Typed("V", None), "t": {"x": Typed("b", 1)}}
    headers = Letters(peer, channel).reject(headers=own).headers
    assert headers["u"] == Typed("u", 7)
    assert headers["n"] == Typed("V", None)
    assert headers["t"] == Typed("F", {"x": Typed("b", 1)})


@check("dead-letter.x-death.from-client", ref="2.6-x-death-by-client", ninth=10, expect=8)
def a_history_that_a_client_publishes_is_continued(peer: Peer) -> None:
    channel = peer.channel()
    letters = Letters(peer, channel)
    death = {
        "count": Typed("l", 7),
        "reason": "rejected",
        "queue": letters.source,
        "time": Typed("T", 1),
        "exchange": "",
        "routing-keys": [letters.source],
    }
    event = letters.reject(headers={"x-death": [death]})
    deaths = fields.plain(event.headers)["x-death"]
    assert len(deaths) == 1
    assert deaths[0]["count"] == peer.expected, deaths


@check("dead-letter.x-death.forged", ref="2.6-x-death-by-client", ninth=10)
def a_history_of_a_wrong_type_harms_nobody(peer: Peer) -> None:
    channel = peer.confirming()
    letters = Letters(peer, channel)
    for forged in ("text", 1, {"a": 1}, [1, "x"], [{"count": "many"}]):
        channel.publish_confirmed(b"m", routing_key=letters.source, headers={"x-death": forged})
        event = channel.get_one(letters.source, no_ack=False)
        channel.reject(event.tag, requeue=True)
        channel.settle(letters.source)
        channel.get(letters.source)
    peer.channel().declare(letters.source, passive=True)


def _quorum(peer: Peer, channel: Channel, **arguments: Any) -> str:  # noqa: ANN401
    return peer.queue(channel, durable=True, arguments={"x-queue-type": "quorum", **arguments})


@check("queue.quorum.x-delivery-count", ref="2.5-headers", expect=[0, 1, None, 1])
def a_quorum_queue_counts_returns_and_says_so_of_what_is_got_always(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    events = [channel.get_soon_unacked(queue)]
    channel.reject(events[0].tag, requeue=True)
    events.append(channel.get_soon(queue))
    channel.consume(queue)
    channel.publish(b"m", routing_key=queue)
    events += channel.deliveries(1)
    channel.reject(events[-1].tag, requeue=True)
    events += channel.deliveries(1)
    headers = [event.headers if "headers" in event.properties else {} for event in events]
    counts = [found.get("x-delivery-count") for found in headers]
    assert all(count is None or count.tag == "l" for count in counts), counts
    assert [count and count.value for count in counts] == peer.expected, counts


@check("queue.quorum.delivery-limit", ref="2.5-limit", expect=3)
def a_message_over_the_limit_is_dropped(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel, **{"x-delivery-limit": 2})
    channel.publish(b"m", routing_key=queue)
    deliveries = 0
    for _ in range(peer.expected):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
        deliveries += 1
    time.sleep(0.1)
    assert channel.get(queue) is None, f"delivered more than {deliveries} times"


@check("queue.quorum.redelivered", ref="2.5-headers")
def a_returned_message_of_a_quorum_queue_is_redelivered(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
    assert channel.get_soon(queue).redelivered


DEFAULT_LIMIT = 20


@check(
    "queue.quorum.delivery-limit-default",
    ref="0-delivery-limit",
    expect="gone",
    on_purpose=Differs(
        "a limit of 20, as in RabbitMQ 4: a poison message must not spin for ever", "still there"
    ),
)
def a_quorum_queue_without_a_limit_of_its_own(peer: Peer) -> None:
    channel = peer.channel()
    queue = _quorum(peer, channel)
    channel.publish(b"m", routing_key=queue)
    for _ in range(DEFAULT_LIMIT + 1):
        channel.reject(channel.get_soon_unacked(queue).tag, requeue=True)
    if peer.expected == "gone":
        time.sleep(0.1)
        assert channel.get(queue) is None, "the message is still there"
    else:
        assert channel.get_soon(queue).body == b"m"


@check("queue.quorum.order", ref="2.4-order")
def a_quorum_queue_keeps_the_order(peer: Peer) -> None:
    channel = peer.confirming()
    queue = _quorum(peer, channel)
    bodies = [b"%d" % index for index in range(50)]
    for body in bodies:
        channel.publish(body, routing_key=queue)
    channel.consume(queue)
    assert channel.bodies(50) == bodies
