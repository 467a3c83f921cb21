"""The properties of a publish that need a check: what becomes of a message, and what is refused."""

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.errors import (
    InvalidMessageError,
    PreconditionFailedError,
    ReplyConsumerError,
)
from amqp_server.broker.messages.checked import checked
from amqp_server.broker.messages.written import written_message
from amqp_server.wire.properties import split

ANN = User("ann", "")


def test_a_message_that_needs_nothing_stays_as_it_is() -> None:
    record = written_message("", "q", {"user_id": "ann", "headers": {"CC": ["a", "b"]}}, b"x")
    found = checked(record, ANN, None, 10)
    assert (found.header, found.is_changed) == (record.header, False)
    assert list(found.copies) == ["a", "b"]


def test_a_direct_reply_address_is_written_in_and_bcc_taken_out() -> None:
    properties = {"reply_to": "amq.rabbitmq.reply-to", "headers": {"BCC": ["a"]}}
    record = written_message("", "q", properties, b"")
    found = checked(record, ANN, "amq.rabbitmq.reply-to.me", 10)
    after = split(found.header)
    assert after.text("reply_to") == "amq.rabbitmq.reply-to.me"
    assert (after.headers(), list(found.copies), found.is_changed) == ({}, ["a"], True)
    with pytest.raises(ReplyConsumerError):
        checked(record, ANN, None, 10)


def test_an_expiration_with_a_sign_becomes_a_number() -> None:
    record = written_message("", "q", {"expiration": "+5"}, b"")
    found = checked(record, ANN, None, 10)
    assert (found.ttl_ms, found.is_changed) == (5, True)


def test_what_rabbitmq_refuses_is_refused() -> None:
    for properties, error in (
        ({"user_id": "bob"}, PreconditionFailedError),
        ({"expiration": "x"}, InvalidMessageError),
        ({"headers": {"CC": "a"}}, InvalidMessageError),
    ):
        with pytest.raises(error):
            checked(written_message("", "q", properties, b""), ANN, None, 10)
