"""The method that an error is laid to, and the close that names it."""

from pamqp import commands

from amqp_server.broker.errors import LoginRefusedError, NotFoundError
from amqp_server.protocol.faults import (
    ACK_INDEX,
    PUBLISH_INDEX,
    close_method,
    index_at_fault,
    index_of,
)
from amqp_server.wire.events import AckRange, FrameEvent, PublishBurst, PublishRun
from tests.support.frames import HEADER, METHOD, content_header, method_payload


def test_content_is_laid_to_its_publish_and_a_login_to_no_method() -> None:
    content = FrameEvent(1, HEADER, content_header(0))
    assert index_at_fault(NotFoundError("no exchange"), content) == PUBLISH_INDEX
    assert index_at_fault(LoginRefusedError("no"), PublishRun(1, b"", [], 0)) == 0


def test_what_is_our_own_fault_is_laid_to_no_method() -> None:
    assert index_at_fault(AssertionError(), AckRange(1, 1, 1, multiple=False)) == 0


def test_a_close_says_code_text_and_method() -> None:
    close = close_method(commands.Channel.Close, 404, "x" * 300, ACK_INDEX)
    assert isinstance(close, commands.Channel.Close)
    assert (close.reply_code, close.reply_text) == (404, "x" * 300)
    assert (close.class_id, close.method_id) == (60, 80)


def test_an_event_is_named_by_its_method() -> None:
    qos = method_payload(commands.Basic.Qos)
    assert index_of(PublishRun(1, b"", [], 0)) == PUBLISH_INDEX == commands.Basic.Publish.index
    assert index_of(PublishBurst(1, (), b"", [], 0)) == PUBLISH_INDEX
    assert index_of(AckRange(1, 1, 1, multiple=False)) == ACK_INDEX == commands.Basic.Ack.index
    assert index_of(FrameEvent(1, METHOD, qos)) == commands.Basic.Qos.index
    assert index_of(FrameEvent(1, HEADER, content_header(0))) == 0
