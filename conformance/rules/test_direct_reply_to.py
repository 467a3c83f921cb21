"""Direct reply-to: requests and replies without a queue (§1.5)."""

import re
from typing import Any

from pamqp import base, commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Channel
from conformance.peer import Peer

PSEUDO = "amq.rabbitmq.reply-to"
Consume = commands.Basic.Consume
PUBLISH = (60, 40)


def _client(peer: Peer) -> Channel:
    channel = peer.channel()
    channel.consume(PSEUDO, "replies", no_ack=True)
    return channel


def _reply_to(peer: Peer, client: Channel) -> str:
    queue = peer.queue(client)
    client.publish(b"request", routing_key=queue, reply_to=PSEUDO, correlation_id="7")
    event = client.get(queue)
    assert event is not None, "the request was not routed"
    assert event.properties["correlation_id"] == "7"
    reply_to = event.properties["reply_to"]
    assert isinstance(reply_to, str)
    return reply_to


@check("reply-to.round-trip", ref="1.5-direct-reply-to", ninth=22)
def a_reply_goes_straight_to_the_client(peer: Peer) -> None:
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    assert reply_to.startswith(f"{PSEUDO}."), reply_to
    server = peer.channel()
    server.publish(b"reply", routing_key=reply_to, correlation_id="7")
    event = client.deliveries(1)[0]
    assert event.body == b"reply"
    assert event.properties["correlation_id"] == "7"
    method = event.method
    assert (method["consumer_tag"], method["exchange"]) == ("replies", "")
    assert (event.redelivered, method["routing_key"]) == (False, reply_to)


@check(
    "reply-to.needs-no-ack",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(406, "reply consumer cannot acknowledge", "channel"),
)
def a_reply_consumer_cannot_acknowledge(peer: Peer) -> None:
    peer.expect_close(peer.channel(), Consume, queue=PSEUDO)


@check(
    "reply-to.second-consumer",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(406, "reply consumer already set", "channel"),
)
def a_channel_has_one_reply_consumer(peer: Peer) -> None:
    peer.expect_close(_client(peer), Consume, queue=PSEUDO, no_ack=True, consumer_tag="second")


@check("reply-to.cancel", ref="1.5-direct-reply-to", ninth=22)
def a_cancelled_reply_consumer_may_be_set_anew(peer: Peer) -> None:
    client = _client(peer)
    client.call(commands.Basic.Cancel, consumer_tag="replies")
    client.consume(PSEUDO, "again", no_ack=True)
    peer.channel().publish(b"reply", routing_key=_reply_to(peer, client))
    assert client.bodies(1) == [b"reply"]


@check(
    "reply-to.without-consumer",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(406, "fast reply consumer does not exist", "channel", PUBLISH),
)
def a_request_needs_a_reply_consumer_on_its_channel(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"request", routing_key=peer.queue(channel), reply_to=PSEUDO)
    peer.expect_close(channel)


@check(
    "reply-to.consumer-on-other-channel",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(406, "fast reply consumer does not exist", "channel", PUBLISH),
)
def a_reply_consumer_of_another_channel_does_not_count(peer: Peer) -> None:
    client = _client(peer)
    other = client.connection.channel(2)
    other.publish(b"request", routing_key=peer.queue(client), reply_to=PSEUDO)
    peer.expect_close(other)


@check("reply-to.alive", ref="1.5-direct-reply-to", ninth=22, expect=(0, 1))
def declaring_the_reply_name_tells_whether_the_client_lives(peer: Peer) -> None:
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    reply = peer.channel().declare(reply_to)
    assert reply.queue == reply_to
    assert (reply.message_count, reply.consumer_count) == peer.expected


@check("reply-to.alive-passive", ref="1.5-direct-reply-to", ninth=22, expect=(0, 1))
def the_passive_form_tells_the_same(peer: Peer) -> None:
    reply_to = _reply_to(peer, _client(peer))
    reply = peer.channel().declare(reply_to, passive=True)
    assert (reply.message_count, reply.consumer_count) == peer.expected


BARE: dict[str, Case[dict[str, Any]]] = {
    "passive": Case({"passive": True}, (0, 1)),
    "active": Case({}, (0, 1)),
    "other-flags": Case({"durable": True, "exclusive": True, "auto_delete": True}, (0, 1)),
    "bad-arguments": Case({"arguments": {"x-max-length": "none"}}, (0, 1)),
}


@cases("reply-to.bare-", BARE, ref="1.5-direct-reply-to", ninth=22)
def declaring_the_bare_name_tells_that_there_are_direct_replies(
    peer: Peer, given: dict[str, Any]
) -> None:
    channel = peer.channel()
    reply = channel.declare(PSEUDO, **given)
    assert reply.queue == PSEUDO
    assert (reply.message_count, reply.consumer_count) == peer.expected
    assert channel.call(commands.Queue.Delete, queue=PSEUDO).message_count == 0


@check(
    "reply-to.looks-like-one",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(404, "no queue 'amq.rabbitmq.reply-tox' in vhost '/'", "channel"),
)
def what_begins_like_the_bare_name_is_only_looked_for(peer: Peer) -> None:
    peer.expect_close(peer.channel(), commands.Queue.Declare, queue=f"{PSEUDO}x")


@check("reply-to.shape", ref="1.5-direct-reply-to", ninth=22)
def a_reply_name_ends_in_two_words_of_base64(peer: Peer) -> None:
    reply_to = _reply_to(peer, _client(peer))
    base64 = "[A-Za-z0-9+/]+==?"
    assert re.fullmatch(rf"amq\.rabbitmq\.reply-to\.{base64}\.{base64}", reply_to), reply_to


@check("reply-to.last-declared", ref="1.5-direct-reply-to", ninth=22)
def the_bare_name_may_be_the_last_declared_queue(peer: Peer) -> None:
    channel = peer.channel()
    channel.declare(PSEUDO)
    channel.call(Consume, queue="", no_ack=True, consumer_tag="replies")
    assert _reply_to(peer, channel).startswith(f"{PSEUDO}.")


@check(
    "reply-to.second-needs-no-ack",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect=Close(406, "reply consumer cannot acknowledge", "channel"),
)
def a_second_reply_consumer_is_first_told_not_to_ack(peer: Peer) -> None:
    peer.expect_close(_client(peer), Consume, queue=PSEUDO, consumer_tag="second")


@check("reply-to.tag-stands-apart", ref="1.5-direct-reply-to", ninth=22)
def another_consumer_may_have_the_tag_of_the_reply_consumer(peer: Peer) -> None:
    channel = _client(peer)
    channel.consume(peer.queue(channel), "replies")


DEAD = Close(404, "no queue '{queue}' in vhost '/'", "channel")


@check("reply-to.dead", ref="1.5-direct-reply-to", ninth=22, expect=DEAD)
def declaring_the_reply_name_of_a_dead_client_fails(peer: Peer) -> None:
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    client.call(commands.Channel.Close, reply_code=200)
    peer.expect_close(
        peer.channel(), commands.Queue.Declare, fill={"queue": reply_to}, queue=reply_to
    )


@check("reply-to.forged", ref="1.5-direct-reply-to", ninth=22)
def a_reply_to_a_forged_name_goes_nowhere(peer: Peer) -> None:
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    server = peer.confirming()
    for forged in (f"{PSEUDO}.forged", reply_to[:-2], f"{reply_to}x"):
        server.publish_confirmed(b"forged", routing_key=forged)
    server.publish_confirmed(b"reply", routing_key=reply_to)
    assert client.bodies(1) == [b"reply"]


@check(
    "reply-to.mandatory",
    ref="1.5-direct-reply-to",
    ninth=22,
    expect="routed",
    on_purpose=Differs(
        "what reaches the client has been routed; RabbitMQ says so too since 4.2",
        "returned, and delivered all the same",
    ),
)
def a_mandatory_reply(peer: Peer) -> None:
    client = _client(peer)
    server = peer.confirming()
    server.publish_confirmed(b"reply", routing_key=_reply_to(peer, client), mandatory=True)
    returned = bool(server.arrived(commands.Basic.Return))
    assert returned is (peer.expected != "routed"), "returned" if returned else "routed"
    assert client.bodies(1) == [b"reply"]


ON_REPLY_QUEUE: dict[str, tuple[type[base.Frame], dict[str, Any], Any]] = {
    "bind": (commands.Queue.Bind, {"exchange": "amq.direct", "routing_key": "k"}, DEAD),
    "unbind": (
        commands.Queue.Unbind,
        {"exchange": "amq.direct", "routing_key": "k"},
        "unbind-ok",
    ),
}


@cases(
    "reply-to.",
    {
        key: Case(
            (kind, fields),
            Close(
                403,
                "cannot bind or unbind to a volatile (direct reply-to) queue",
                "channel",
            ),
            on_purpose=Differs("the text is RabbitMQ 4.2's; before, it was no queue at all", old),
        )
        for key, (kind, fields, old) in ON_REPLY_QUEUE.items()
    },
    ref="1.5-direct-reply-to",
    ninth=22,
)
def the_reply_queue_cannot_be_bound(
    peer: Peer, given: tuple[type[base.Frame], dict[str, Any]]
) -> None:
    kind, fields = given
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    if peer.expected == "unbind-ok":
        client.call(kind, queue=reply_to, **fields)
        return
    peer.expect_close(client, kind, fill={"queue": reply_to}, queue=reply_to, **fields)


@check("reply-to.queue-not-there", ref="1.5-direct-reply-to", ninth=22)
def a_reply_needs_no_queue(peer: Peer) -> None:
    client = _client(peer)
    reply_to = _reply_to(peer, client)
    for index in range(10):
        peer.channel().publish(b"%d" % index, routing_key=reply_to)
        assert client.bodies(1) == [b"%d" % index]
