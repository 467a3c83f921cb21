"""What a client hears of consumers that have ended without it."""

from types import SimpleNamespace
from typing import cast

from pamqp import commands

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.cancel_notices import CANCEL_NOTIFY, CancelNotices
from amqp_server.protocol.session import Session
from tests.support.frames import method_frame


class Rig:
    """Notices of channel 3, and what was written."""

    def __init__(self, *capabilities: str) -> None:
        self.written: list[bytes] = []
        outbox = SimpleNamespace(write=self.written.append)
        session = SimpleNamespace(capabilities=frozenset(capabilities))
        self.notices = CancelNotices(3, cast("Session", session), cast("Outbox", outbox))


def told(*consumer_tags: str) -> list[bytes]:
    kind = commands.Basic.Cancel
    return [method_frame(3, kind, consumer_tag=tag, nowait=True) for tag in consumer_tags]


def test_a_client_is_told_at_once() -> None:
    rig = Rig(CANCEL_NOTIFY)
    rig.notices.tell("a")
    assert rig.written == told("a")


def test_what_is_held_is_told_in_order_when_it_is_released() -> None:
    rig = Rig(CANCEL_NOTIFY)
    rig.notices.hold()
    rig.notices.tell("a")
    rig.notices.tell("b")
    assert rig.written == []
    rig.notices.release(is_told=True)
    rig.notices.release(is_told=True)
    assert rig.written == told("a", "b")


def test_of_a_channel_that_has_ended_nothing_is_told() -> None:
    rig = Rig(CANCEL_NOTIFY)
    rig.notices.hold()
    rig.notices.tell("a")
    rig.notices.release(is_told=False)
    assert rig.written == []


def test_a_client_that_does_not_understand_it_is_not_told() -> None:
    rig = Rig()
    rig.notices.tell("a")
    assert rig.written == []
