"""basic.publish and basic.return: routing errors, properties, user-id."""

from typing import Any

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Decimal, Typed
from conformance.peer import Peer

PUBLISH = (60, 40)
Return = commands.Basic.Return


@check(
    "basic.publish.exchange-missing",
    ref="1.3-publish",
    expect=Close(404, "no exchange '{name}' in vhost '/'", "channel", PUBLISH),
)
def publishing_to_a_missing_exchange(peer: Peer) -> None:
    channel = peer.channel()
    name = peer.name()
    channel.publish(b"m", exchange=name)
    peer.expect_close(channel, fill={"name": name})


@check(
    "basic.publish.immediate",
    ref="1.3-publish",
    ninth=1,
    expect=Close(540, "immediate=true", "connection", PUBLISH),
)
def immediate_is_not_implemented(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.queue(channel), immediate=True)
    peer.expect_close(channel)


@check("basic.return", ref="1.3-publish", expect=(312, "NO_ROUTE"))
def a_mandatory_message_without_a_queue_comes_back_whole(peer: Peer) -> None:
    channel = peer.channel()
    key = peer.name()
    raw = fields.properties(message_id="mine", headers={"h": Typed("u", 7)})
    body = b"x" * 200_000
    channel.publish(
        body, exchange="amq.direct", routing_key=key, mandatory=True, raw_properties=raw
    )
    event = channel.connection.expect_event(1, Return)
    assert isinstance(event.method, Return)
    assert (event.method.reply_code, event.method.reply_text) == peer.expected
    assert (event.method.exchange, event.method.routing_key) == ("amq.direct", key)
    assert event.body == body
    assert event.raw_properties == raw


@check("basic.return.default-exchange", ref="1.3-publish")
def a_mandatory_message_to_a_missing_queue_comes_back(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.name(), mandatory=True)
    assert channel.connection.expect_event(1, Return).body == b"m"


@check("basic.return.not-mandatory", ref="1.3-publish")
def without_mandatory_an_unroutable_message_is_dropped(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"m", exchange="amq.direct", routing_key=peer.name())
    channel.sync()
    assert not channel.connection.pending(1)


@check("basic.return.before-ack", ref="1.3-return-vs-confirm", ninth=4)
def the_return_comes_before_the_ack_of_the_same_message(peer: Peer) -> None:
    channel = peer.confirming()
    for index in range(3):
        channel.publish(b"%d" % index, routing_key=peer.name(), mandatory=True)
    returned: list[bytes] = []
    acked = 0
    while acked < 3:
        event = channel.next_event()
        if isinstance(event.method, Return):
            returned.append(event.body)
            continue
        assert isinstance(event.method, commands.Basic.Ack), event.method.name
        acked = event.tag
        assert len(returned) >= acked, "an ack came before its return"
    assert returned == [b"0", b"1", b"2"]


@check("basic.publish.order", ref="2.4-order")
def messages_of_a_channel_keep_their_order(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    bodies = [b"%d" % index for index in range(200)]
    for body in bodies:
        channel.publish(body, routing_key=queue)
    channel.consume(queue, no_ack=True)
    assert channel.bodies(200) == bodies


SIZES = {
    str(size): Case(size, "whole") for size in (0, 1, 4087, 4088, 4089, 131064, 131065, 1_000_000)
}


@cases("basic.publish.body-", SIZES, ref="1.2-zero-length")
def a_body_of_any_size_arrives_whole(peer: Peer, size_bytes: int) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    body = (bytes(range(251)) * (size_bytes // 251 + 1))[:size_bytes]
    channel.publish(body, routing_key=queue)
    event = channel.get_one(queue)
    assert event.body == body


PROPERTIES: dict[str, dict[str, Any]] = {
    "none": {},
    "all": {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "headers": {"z": 1, "a": [True, None, {"deep": "é"}]},
        "delivery_mode": 2,
        "priority": 9,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "60000",
        "message_id": "m",
        "timestamp": 2**40,
        "type": "t",
        "user_id": "guest",
        "app_id": "a",
        "cluster_id": "cluster",
    },
    "empty-strings": {"content_type": "", "correlation_id": "", "message_id": ""},
    "empty-headers": {"headers": {}},
    "255-bytes": {"correlation_id": "n" * 255, "app_id": "é" * 127},
    "priority-255": {"priority": 255},
    "timestamp-maximum": {"timestamp": 2**64 - 1},
}


@cases(
    "basic.properties.",
    {key: Case(value, "the same bytes") for key, value in PROPERTIES.items()},
    ref="1.2-properties",
)
def properties_pass_through_byte_for_byte(peer: Peer, properties: dict[str, Any]) -> None:
    _expect_same(peer, fields.properties(**properties))


FIELDS: dict[str, Typed] = {
    "S": Typed("S", "text"),
    "S-not-utf-8": Typed("S", b"\xff\xfe\x00"),
    "S-empty": Typed("S", ""),
    "I": Typed("I", -(2**31)),
    "i": Typed("i", 2**32 - 1),
    "s": Typed("s", -(2**15)),
    "u": Typed("u", 2**16 - 1),
    "b": Typed("b", -128),
    "B": Typed("B", 255),
    "l": Typed("l", -(2**63)),
    "f": Typed("f", 0.5),
    "d": Typed("d", 1e300),
    "t": Typed("t", True),
    "t-false": Typed("t", False),
    "T": Typed("T", 2**63),
    "D": Typed("D", Decimal(255, 2**31 - 1)),
    "F": Typed("F", {"b": Typed("u", 1), "a": Typed("V", None)}),
    "F-empty": Typed("F", {}),
    "A": Typed("A", [Typed("b", 1), Typed("A", []), Typed("S", "x")]),
    "x": Typed("x", b"\x00\xff"),
    "V": Typed("V", None),
}


@cases(
    "basic.headers.type-",
    {key: Case(value, "the same bytes") for key, value in FIELDS.items()},
    ref="1.2-table-types",
    ninth=21,
)
def a_header_keeps_its_type(peer: Peer, value: Typed) -> None:
    _expect_same(peer, fields.properties(headers={"before": "b", "header": value, "after": 1}))


@cases(
    "basic.headers.",
    {
        "key-255-bytes": Case({"k" * 255: 1}, "the same bytes"),
        "key-empty": Case({"": 1}, "the same bytes"),
        "unsorted": Case({"z": 1, "a": 2, "m": 3}, "the same bytes"),
        "500-keys": Case({f"key-{index}": index for index in range(500)}, "the same bytes"),
    },
    ref="1.2-headers-preserved",
    ninth=21,
)
def headers_keep_their_keys_and_order(peer: Peer, headers: dict[str, Any]) -> None:
    _expect_same(peer, fields.properties(headers=headers))


@check("basic.headers.key-twice", ref="1.2-headers-preserved", ninth=21)
def a_key_that_comes_twice_stays_twice(peer: Peer) -> None:
    raw = fields.elements({"k": 1}) + fields.elements({"k": 2})
    _expect_same(peer, fields.properties(headers=raw))


def _expect_same(peer: Peer, raw: bytes) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue, raw_properties=raw)
    event = channel.get_one(queue)
    assert event.raw_properties == raw, f"{event.raw_properties!r} is not {raw!r}"
    channel.publish(b"m", routing_key=queue, raw_properties=raw)
    channel.consume(queue, no_ack=True)
    assert channel.deliveries(1)[0].raw_properties == raw, "get keeps them, deliver does not"


ODD_MODES = {
    str(mode): Case(
        mode,
        "transient",
        rabbitmq_310=Differs(
            "3.10 knows the modes 1 and 2 alone",
            Close(406, f"invalid message: {{delivery_mode_unknown,{mode}}}", "channel", PUBLISH),
        ),
    )
    for mode in (0, 255)
}


@cases("basic.publish.delivery-mode-", ODD_MODES, ref="1.2-properties")
def a_delivery_mode_other_than_2_is_transient(peer: Peer, mode: int) -> None:
    if peer.expected == "transient":
        _expect_same(peer, fields.properties(delivery_mode=mode))
        return
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.queue(channel), delivery_mode=mode)
    peer.expect_close(channel)


@check("basic.publish.user-id", ref="1.5-user-id", ninth=22)
def ones_own_user_id_is_accepted(peer: Peer) -> None:
    channel = peer.confirming()
    queue = peer.queue(channel)
    channel.publish_confirmed(b"m", routing_key=queue, user_id=peer.address.user)
    event = channel.get_one(queue)
    assert event.properties["user_id"] == peer.address.user


@check(
    "basic.publish.user-id-other",
    ref="1.5-user-id",
    ninth=22,
    expect=Close(
        406,
        "user_id property set to 'someone' but authenticated user was '{user}'",
        "channel",
        PUBLISH,
    ),
)
def anothers_user_id_is_refused(peer: Peer) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.queue(channel), user_id="someone")
    peer.expect_close(channel, fill={"user": peer.address.user})


TEN_YEARS_MS = 315_360_000_000
BAD_EXPIRATIONS = {
    "word": ("abc", "no_integer"),
    "empty": ("", "no_integer"),
    "space": (" 1", "no_integer"),
    "trailing": ("10x", '{leftover_string,"x"}'),
    "float": ("1.5", '{leftover_string,".5"}'),
    "exponent": ("1e9", '{leftover_string,"e9"}'),
    "negative": ("-1", "{value_negative,-1}"),
    "too-large": (str(TEN_YEARS_MS + 1), f"{{value_too_large,{TEN_YEARS_MS + 1}}}"),
    "10^15": (str(10**15), f"{{value_too_large,{10**15}}}"),
}


@cases(
    "basic.publish.expiration-",
    {
        key: Case(text, Close(406, f"invalid expiration '{text}': {term}", "channel", PUBLISH))
        for key, (text, term) in BAD_EXPIRATIONS.items()
    },
    ref="1.5-message-ttl",
    ninth=11,
)
def an_expiration_that_is_no_count_of_ms_is_refused(peer: Peer, expiration: str) -> None:
    channel = peer.channel()
    channel.publish(b"m", routing_key=peer.queue(channel), expiration=expiration)
    peer.expect_close(channel)


@cases(
    "basic.publish.expiration-",
    {
        "10-years": Case(str(TEN_YEARS_MS), "accepted"),
        "leading-zeros": Case("00060000", "accepted"),
        "plus-sign": Case("+60000", "accepted"),
    },
    ref="1.5-message-ttl",
    ninth=11,
)
def an_expiration_in_range_is_accepted(peer: Peer, expiration: str) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue, expiration=expiration)
    event = channel.get_one(queue)
    assert event.properties["expiration"] == expiration
