"""CC and BCC: more routing keys, chosen by the sender (§1.5)."""

from typing import Any

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, cases, check
from conformance.peer import Peer

PUBLISH = (60, 40)
Return = commands.Basic.Return
CopyHeaders = dict[str, Any]


@cases(
    "basic.publish.",
    {"cc": Case("CC", (1, 1, 1)), "bcc": Case("BCC", (1, 1, 1))},
    ref="1.5-sender-selected",
    ninth=22,
)
def cc_and_bcc_route_to_more_keys(peer: Peer, header: str) -> None:
    channel = peer.channel()
    queues = [peer.queue(channel) for _ in range(3)]
    channel.publish(b"m", routing_key=queues[0], headers={header: queues[1:]})
    for queue, count in zip(queues, peer.expected, strict=True):
        channel.await_count(queue, count)


@check("basic.publish.cc-kept", ref="1.5-sender-selected", ninth=22)
def cc_is_delivered_and_bcc_is_not(peer: Peer) -> None:
    channel = peer.channel()
    queues = [peer.queue(channel) for _ in range(3)]
    headers = {"CC": [queues[1]], "BCC": [queues[2]], "mine": 1}
    channel.publish(b"m", routing_key=queues[0], headers=headers)
    for queue in queues:
        event = channel.get_one(queue)
        assert fields.plain(event.headers) == {"CC": [queues[1]], "mine": 1}
        assert event.method["routing_key"] == queues[0]


@check("basic.publish.cc-exchange", ref="1.5-sender-selected", ninth=22)
def cc_works_on_any_exchange_with_one_copy_per_queue(peer: Peer) -> None:
    channel = peer.channel()
    exchange = peer.exchange(channel, "topic")
    queue = peer.bound_queue(channel, exchange, "a.#")
    channel.publish(b"m", exchange=exchange, routing_key="b", headers={"CC": ["a.1", "a.2"]})
    channel.await_count(queue, 1)


@check("basic.publish.cc-many", ref="1.5-sender-selected", ninth=22)
def a_cc_of_a_thousand_keys_routes_to_those_that_exist(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    keys = [f"conformance-nowhere-{index}" for index in range(1000)]
    channel.publish(b"m", routing_key=keys[0], headers={"CC": [*keys, queue, queue]})
    channel.await_count(queue, 1)


@check("basic.publish.cc-mandatory", ref="1.5-sender-selected", ninth=22)
def a_message_that_only_cc_routes_is_routed(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel)
    channel.publish_confirmed(
        b"m", routing_key=peer.name(), headers={"BCC": [queue]}, mandatory=True
    )
    assert not channel.arrived(Return)


WRONG_COPY = {
    f"{header.lower()}-{key}": Case(
        {header: value},
        Close(
            406,
            f'invalid message: {{unacceptable_type_in_header,"{header}",{kind}}}',
            "channel",
            PUBLISH,
        ),
    )
    for header in ("CC", "BCC")
    for key, value, kind in (
        ("string", "not a list", "longstr"),
        ("int", 1, "signedint"),
    )
}


@cases("basic.publish.", WRONG_COPY, ref="1.5-sender-selected", ninth=22)
def a_cc_that_is_no_list_of_strings_is_refused(peer: Peer, headers: CopyHeaders) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.queue(channel), headers=headers)
    peer.expect_close(channel)


@check("basic.publish.cc-list-of-int", ref="1.5-sender-selected", ninth=22)
def what_is_no_string_in_a_cc_list_is_passed_over(peer: Peer) -> None:
    channel = peer.channel()
    queues = [peer.queue(channel) for _ in range(2)]
    channel.publish(b"m", routing_key=queues[0], headers={"CC": [1, queues[1], None]})
    for queue in queues:
        channel.await_count(queue, 1)
