"""Names as RabbitMQ's texts have them, and those that clients may not give."""

import re

import pytest

from amqp_server.broker.errors import AccessRefusedError, PreconditionFailedError
from amqp_server.broker.names import (
    check_fits_frames,
    check_not_default_exchange,
    check_unreserved,
    exchange_text,
    generated_name,
    queue_text,
    reply_token,
    strip_line_ends,
)


def test_names_in_texts_are_quoted_as_they_are() -> None:
    assert exchange_text("/", "x") == "exchange 'x' in vhost '/'"
    assert queue_text("a'b", "") == "queue '' in vhost 'a'b'"


def test_line_ends_are_dropped_wherever_they_are() -> None:
    assert strip_line_ends("\r\na\nb\r c\t\n") == "ab c\t"


@pytest.mark.parametrize("kind", ["queue", "exchange"])
def test_names_with_the_reserved_prefix_are_refused(kind: str) -> None:
    with pytest.raises(AccessRefusedError) as caught:
        check_unreserved(kind, "amq.x")
    assert str(caught.value) == f"{kind} name 'amq.x' contains reserved prefix 'amq.*'"


@pytest.mark.parametrize("name", ["", "amq", "amqx", "AMQ.x", "my.amq.x", " amq.x"])
def test_other_names_may_be_given(name: str) -> None:
    check_unreserved("queue", name)


def test_only_the_empty_name_is_the_default_exchange() -> None:
    check_not_default_exchange("amq.default")
    with pytest.raises(AccessRefusedError) as caught:
        check_not_default_exchange("")
    assert str(caught.value) == "operation not permitted on the default exchange"


@pytest.mark.parametrize("octet", [0x00, 0x5A, 0xFF])
def test_a_generated_name_is_22_characters_of_base64url(octet: int) -> None:
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes([octet]) * count

    name = generated_name("amq.gen", random_bytes)
    assert re.fullmatch(r"amq\.gen-[A-Za-z0-9_-]{22}", name)
    assert asked == [16]


def test_every_random_octet_counts() -> None:
    def name_with(at: int) -> str:
        return generated_name("g", lambda count: bytes(at) + b"\1" + bytes(count - at - 1))

    assert len(set(map(name_with, range(16)))) == 16


def test_a_reply_token_is_two_words_of_base64_and_chance_in_both() -> None:
    octets = iter(range(256))
    token = reply_token(lambda count: bytes([next(octets)]) * count)
    assert token == ("g1h2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==.AQEBAQEBAQEBAQEBAQEBAQ==")


def test_names_that_no_frame_can_hold_are_refused() -> None:
    check_fits_frames("queue", "x" * 255)
    with pytest.raises(PreconditionFailedError) as caught:
        check_fits_frames("queue", "\u00e9" * 128)
    assert str(caught.value) == "queue should be less than 255 bytes, actually was 256\n"
    with pytest.raises(PreconditionFailedError):
        check_fits_frames("exchange", "\ud800")
