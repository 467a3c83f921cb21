"""Dead lettering: reasons, headers, keys, order (§2.6)."""

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
