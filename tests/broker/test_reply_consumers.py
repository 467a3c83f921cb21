"""Direct replies: a name instead of a queue, for as long as somebody waits."""

from amqp_server.broker.reply_consumers import ConnectionReplies, ReplyConsumers, UnreadReplies
from persistence.record import Record, Run
from queues.outcomes import ALL_SAFE
from tests.support.vhosts import NOW_MS, VhostUnderTest, message


class Waiting:
    """A ``ReplyReceiver`` that keeps what it gets."""

    def __init__(self) -> None:
        self.replies: list[Record] = []

    def deliver_replies(self, run: Run) -> None:
        self.replies += run

    @property
    def bodies(self) -> list[bytes]:
        return [record.body for record in self.replies]


def test_the_name_to_reply_to_is_the_token_behind_the_prefix() -> None:
    consumers = ReplyConsumers()
    assert consumers.add("tok", Waiting()) == "amq.rabbitmq.reply-to.tok"
    assert consumers.has("amq.rabbitmq.reply-to.tok")
    assert not consumers.has("tok")
    assert not consumers.has("amq.rabbitmq.reply-to.other")


def test_a_reply_is_handed_on_whole_and_never_refused() -> None:
    consumers, waiting = ReplyConsumers(), Waiting()
    target = consumers.find(consumers.add("tok", waiting))
    assert target is not None
    assert target.publish([message(b"a"), message(b"b")], NOW_MS) is ALL_SAFE
    assert waiting.bodies == [b"a", b"b"]


def test_who_is_gone_is_found_no_more() -> None:
    consumers = ReplyConsumers()
    name = consumers.add("tok", Waiting())
    consumers.remove(name)
    consumers.remove(name)
    assert consumers.find(name) is None
    assert not consumers.has(name)


def test_a_reply_reaches_its_consumer_through_the_default_exchange() -> None:
    place, waiting = VhostUnderTest(), Waiting()
    name = place.vhost.reply_consumers.add("tok", waiting)
    assert place.publish(b"r", routing_key=name).unroutable == ()
    assert waiting.bodies == [b"r"]
    assert waiting.replies[0].routing_key == name


def test_replies_go_nowhere_once_it_is_gone() -> None:
    place, waiting = VhostUnderTest(), Waiting()
    name = place.vhost.reply_consumers.add("tok", waiting)
    place.publish(b"one", routing_key=name)
    place.vhost.forget_reply_consumer(name)
    assert place.publish(b"two", routing_key=name).unroutable == range(1)
    assert waiting.bodies == [b"one"]


def test_a_dead_letter_may_be_a_reply() -> None:
    place, waiting = VhostUnderTest(), Waiting()
    name = place.vhost.reply_consumers.add("tok", waiting)
    place.queue("q", dead_letter_exchange="", dead_letter_routing_key=name)
    place.publish(b"late", routing_key="q")
    place.reject("q")
    assert waiting.bodies == [b"late"]


def test_no_exchange_but_the_default_one_leads_to_it() -> None:
    place, waiting = VhostUnderTest(), Waiting()
    name = place.vhost.reply_consumers.add("tok", waiting)
    assert place.publish(b"r", exchange="amq.direct", routing_key=name).unroutable == range(1)
    assert waiting.bodies == []


# ── what nobody reads ──


def test_a_client_that_does_not_read_has_its_limit() -> None:
    node = UnreadReplies(1_000)
    client = ConnectionReplies(node, 100)
    assert [client.takes(40, 2) for _ in range(3)] == [True, True, False]
    assert (node.used_bytes, client.dropped_count) == (80, 2)
    client.were_read()
    assert (node.used_bytes, client.dropped_count) == (0, 0)
    assert client.takes(100, 1)


def test_all_clients_together_have_one() -> None:
    node = UnreadReplies(100)
    one, other = ConnectionReplies(node, 80), ConnectionReplies(node, 80)
    assert one.takes(80, 1)
    assert not other.takes(40, 1)
    one.were_read()
    assert other.takes(40, 1)
