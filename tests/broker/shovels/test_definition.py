"""A shovel as a parameter; the texts are those that RabbitMQ 3.10 answered."""

import pytest

from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.shovels.definition import local_vhosts, read_shovel

OK = {"src-uri": "amqp://a", "src-queue": "q", "dest-uri": "amqp://b", "dest-queue": "r"}


def test_what_is_left_out_has_a_default() -> None:
    shovel = read_shovel(
        "/", "s", {"src-uri": "amqp://a", "src-queue": "q", "dest-uri": ["amqp://b"]}
    )
    assert (shovel.settling_mode, shovel.prefetch, shovel.reconnect_delay_s) == (
        "on-confirm",
        1000,
        5.0,
    )
    assert (shovel.delete_after, shovel.destination.uris) == (None, ("amqp://b",))
    assert (shovel.destination.queue, shovel.destination.exchange) == (None, None)


def test_the_old_names_hold_too() -> None:
    old = {
        **OK,
        "prefetch-count": 3,
        "delete-after": "queue-length",
        "add-forward-headers": True,
        "add-timestamp-header": True,
        "publish-properties": {"delivery_mode": 2},
    }
    shovel = read_shovel("/", "s", old)
    assert (shovel.prefetch, shovel.delete_after) == (3, "queue-length")
    assert (shovel.has_forward_headers, shovel.has_timestamp_header) == (True, True)
    assert shovel.properties == {"delivery_mode": b"\x02"}


REFUSED = [
    (
        {},
        (
            "Must specify 'src-exchange' or 'src-queue'\n"
            'Key "dest-uri" not found in bad\nKey "src-uri" not found in bad'
        ),
    ),
    (
        [],
        (
            "Must specify 'src-exchange' or 'src-queue'\n"
            'Key "dest-uri" not found in bad\nKey "src-uri" not found in bad'
        ),
    ),
    (
        {"src-uri": "amqp://", "dest-uri": "amqp://"},
        "Must specify 'src-exchange' or 'src-queue'",
    ),
    ({**OK, "src-exchange": "e"}, "Cannot specify 'src-exchange' and 'src-queue'"),
    ({**OK, "dest-exchange": "e"}, "Cannot specify 'dest-exchange' and 'dest-queue'"),
    ({**OK, "unknown": 1}, 'Unrecognised terms [{<<"unknown">>,1}] in bad'),
    ({**OK, "dest-properties": {}}, 'Unrecognised terms [{<<"dest-properties">>,#{}}] in bad'),
    (
        {**OK, "ack-mode": "x"},
        (
            'ack-mode should be one of [<<"no-ack">>,<<"on-publish">>,<<"on-confirm">>], '
            'actually was <<"x">>'
        ),
    ),
    (
        {**OK, "src-prefetch-count": "a"},
        'src-prefetch-count should be a number, actually was <<"a">>',
    ),
    ({**OK, "src-prefetch-count": 70_000}, "src-prefetch-count: from 0 to 65535"),
    (
        {**OK, "delete-after": -1},
        (
            'delete-after should be a number greater than or equal to 0, "never" or '
            '"queue-length", actually was -1'
        ),
    ),
    (
        {**OK, "ack-mode": "no-ack", "src-delete-after": 2},
        "Cannot specify 'no-ack' and numerical 'delete-after'",
    ),
    ({**OK, "src-uri": 5}, "src-uri should be list, actually was 5"),
    ({**OK, "dest-uri": ["amqp://", 5, 6]}, "dest-uri should be list, actually was 5"),
    ({**OK, "src-queue": 5}, "src-queue should be binary, actually was 5"),
    ({**OK, "src-queue": None}, "src-queue should be binary, actually was null"),
    ({**OK, "src-uri": []}, "src-uri: names no URI"),
    (
        {**OK, "add-forward-headers": "yes"},
        'add-forward-headers should be boolean, actually was <<"yes">>',
    ),
    ({**OK, "dest-publish-properties": 5}, "dest-publish-properties not a list 5"),
    (
        {**OK, "dest-publish-properties": {"x": 1}},
        'Unrecognised terms [{<<"x">>,1}] in dest-publish-properties',
    ),
    (
        {**OK, "dest-publish-properties": {"priority": "high"}},
        "dest-publish-properties: invalid message: property priority must be of type int",
    ),
    ({**OK, "src-protocol": "amqp10"}, "src-protocol: only amqp091 is there"),
    ({**OK, "dest-queue": 5}, "dest-queue should be binary, actually was 5"),
    ({**OK, "src-queue": "x" * 256}, "src-queue: is longer than 255 octets"),
    ({**OK, "src-consumer-args": 5}, "src-consumer-args not a list 5"),
    (5, "bad: the value of a shovel is an object"),
]


@pytest.mark.parametrize(("value", "text"), REFUSED)
def test_what_is_refused(value: object, text: str) -> None:
    with pytest.raises(PreconditionFailedError) as refused:
        read_shovel("/", "bad", value)
    assert str(refused.value) == text


def test_the_vhosts_of_this_node_that_it_would_enter() -> None:
    value = {"src-uri": ["amqp://h/far", "amqp:///near", "bogus"], "dest-uri": "amqp://"}
    assert local_vhosts(value) == {"near", "/"}
    assert local_vhosts(None) == frozenset()
