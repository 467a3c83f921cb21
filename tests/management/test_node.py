"""The node as management sees it: commands are awaited, and may be given up."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from amqp_server.broker.admin import Admin, Answer, NotFoundError, VhostDefinition
from amqp_server.broker.pages import Page
from amqp_server.broker.views import Views
from management.node import Node, NotSafeError, pages
from management.slices import Slices
from tests.support import peer


class Rig:
    """A broker whose turns come when the loop is idle."""

    def __init__(self) -> None:
        self.inner = peer.Node()
        broker = self.inner.broker
        self.node = Node(
            Views(broker), Admin(broker), broker.events, self._request_turn, lambda: 5, Slices(int)
        )

    def _request_turn(self) -> None:
        asyncio.get_running_loop().call_soon(self.inner.end_turns)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 -- whatever it returns
        return asyncio.run(work)


def test_a_command_answers() -> None:
    rig = Rig()
    given = {"vhost": "/", "name": "jobs", "username": None}
    flags = {"durable": True, "auto_delete": False, "arguments": {}}
    assert rig.run(rig.node.command("declare_queue", **given, **flags)) is True
    assert rig.inner.vhost.queues.find("jobs") is not None


def test_a_refusal_is_raised() -> None:
    rig = Rig()
    with pytest.raises(NotFoundError):
        rig.run(rig.node.command("delete_vhost", name="nope"))


def test_what_is_not_safe_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()

    class Failing:
        def give_up(self) -> None:
            """Nobody gives up."""

    def begin(_name: str, _given: object, answer: Any, _actor: str) -> Failing:  # noqa: ANN401
        answer(Answer(True, is_safe=False))
        return Failing()

    monkeypatch.setattr(rig.node._admin, "begin", begin)
    with pytest.raises(NotSafeError):
        rig.run(rig.node.command("delete_vhost", name="/"))


def test_a_request_that_is_given_up_gives_its_command_up() -> None:
    rig = Rig()

    async def give_up() -> None:
        rig.node.request_turn = lambda: None
        work = asyncio.ensure_future(rig.node.command("delete_vhost", name="/"))
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        rig.inner.end_turns()

    rig.run(give_up())
    assert rig.node.has_vhost("/")


def test_nobody_need_wait(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()

    async def begin() -> None:
        rig.node.begin("delete_vhost", name="nope")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    rig.run(begin())
    assert "a command of management failed" in caplog.text


def test_vhosts() -> None:
    rig = Rig()
    rig.inner.broker.add_vhost("a")
    assert rig.node.vhost_names() == ["/", "a"]
    assert (rig.node.may_enter("guest", "/"), rig.node.may_enter("guest", "a")) == (True, False)


def test_pages_follow_their_cursors() -> None:
    def look(after: int | None) -> Page[int, int]:
        start = after or 0
        return Page((start + 1, start + 2), start + 2 if start < 4 else None)

    assert list(pages(look)) == [(1, 2), (3, 4), (5, 6)]


def test_a_command_is_told_as_done_by_the_user_whom_the_node_acts_as() -> None:
    rig = Rig()
    events = rig.inner.broker.events
    told = []
    events.subscribe(lambda event: told.append((event.kind.value, events.actor)))
    definition = VhostDefinition("w")
    rig.run(rig.node.acting_as("eve").command("put_vhost", definition=definition))
    rig.run(rig.node.command("delete_vhost", name="w"))
    assert told == [("vhost.created", "eve"), ("vhost.deleted", "")]
