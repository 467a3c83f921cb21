"""Upstreams and sets as parameters; the texts are those that RabbitMQ 3.10 answered."""

import pytest

from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.federation.upstream import (
    UPSTREAM,
    UPSTREAM_SET,
    check_parameter,
    made_upstream,
    set_items,
    valid_upstream,
)

URI = "amqp://u:secret@a"
MODES = '[<<"no-ack">>,<<"on-publish">>,<<"on-confirm">>]'


def test_what_is_left_out_has_a_default() -> None:
    upstream = made_upstream("u", {"uri": URI}, {})
    assert (upstream.uris, upstream.prefetch, upstream.reconnect_delay_s) == ((URI,), 1000, 5.0)
    assert (upstream.max_hops, upstream.settling_mode) == (1, "on-confirm")
    assert "secret" not in repr(upstream)


def test_numbers_stay_within_what_the_protocol_carries() -> None:
    wild = {"uri": [], "prefetch-count": -1, "max-hops": 10**6, "reconnect-delay": 0}
    upstream = made_upstream("u", wild, {})
    assert (upstream.prefetch, upstream.max_hops, upstream.uris) == (0, 32_767, ())
    assert upstream.reconnect_delay_s == 0.1


def test_an_item_of_a_set_holds_more_than_its_upstream() -> None:
    item = {"upstream": "u", "exchange": "other", "max-hops": 3}
    upstream = made_upstream("u", {"uri": URI, "max-hops": 2}, item)
    assert (upstream.name, upstream.exchange, upstream.max_hops) == ("u", "other", 3)


REFUSED = [
    (UPSTREAM, {}, 'Key "uri" not found in bad'),
    (UPSTREAM, [], 'Key "uri" not found in bad'),
    (UPSTREAM, {"uri": 5}, "uri should be list, actually was 5"),
    (UPSTREAM, {"uri": [URI, 5]}, "uri should be list, actually was 5"),
    (UPSTREAM, {"uri": None}, "uri should be list, actually was null"),
    (
        UPSTREAM,
        {"uri": "http://x"},
        '"http://x" not a valid URI: {{unexpected_uri_scheme,"http"},"http://x"}',
    ),
    (UPSTREAM, {"uri": URI, "nope": 1}, 'Unrecognised terms [{<<"nope">>,1}] in bad'),
    (
        UPSTREAM,
        {"ack-mode": "x", "bad": {"a": 1}},
        (
            'Unrecognised terms [{<<"bad">>,#{<<"a">> => 1}}] in bad\n'
            f'ack-mode should be one of {MODES}, actually was <<"x">>\nKey "uri" not found in bad'
        ),
    ),
    (UPSTREAM, {"uri": URI, "ack-mode": 1}, "ack-mode should be binary, actually was 1"),
    (UPSTREAM, {"uri": URI, "trust-user-id": 1}, "trust-user-id should be boolean, actually was 1"),
    (
        UPSTREAM,
        {"uri": URI, "prefetch-count": True},
        "prefetch-count should be a number, actually was true",
    ),
    (UPSTREAM, {"uri": URI, "exchange": []}, "exchange should be binary, actually was []"),
    (UPSTREAM, {"uri": URI, "exchange": "e" * 256}, "exchange: is longer than 255 octets"),
    (UPSTREAM, "text", "bad: an upstream is an object"),
    (UPSTREAM_SET, [{}], 'Key "upstream" not found in bad'),
    (UPSTREAM_SET, [{"upstream": 1}], "upstream should be binary, actually was 1"),
    (
        UPSTREAM_SET,
        [{"upstream": "u", "uri": "x"}],
        'Unrecognised terms [{<<"uri">>,<<"x">>}] in bad',
    ),
    (UPSTREAM_SET, "text", "bad: the value of an upstream set is a list"),
    (UPSTREAM_SET, [1], "bad: an upstream is an object"),
]


@pytest.mark.parametrize(("component", "value", "text"), REFUSED)
def test_what_is_refused(component: str, value: object, text: str) -> None:
    with pytest.raises(PreconditionFailedError) as caught:
        check_parameter(component, "bad", value)
    assert str(caught.value) == text


def test_what_is_taken() -> None:
    check_parameter(UPSTREAM, "u", {"uri": []})
    check_parameter(UPSTREAM, "u", {"uri": URI, "queue-type": "quorum", "bind-nowait": True})
    check_parameter(UPSTREAM, "u", {"uri": URI, "expires": -1, "ha-policy": "nope"})
    check_parameter(UPSTREAM_SET, "s", {})
    check_parameter(UPSTREAM_SET, "s", [{"upstream": "none"}])


def test_what_was_imported_and_is_not_valid_is_nothing() -> None:
    assert valid_upstream("u", {"uri": "nonsense"}, {}) is None
    assert set_items([{"nope": 1}]) == ()
    assert set_items([{"upstream": "u"}]) == [{"upstream": "u"}]
    assert valid_upstream("u", {"uri": URI}, {}) == made_upstream("u", {"uri": URI}, {})
