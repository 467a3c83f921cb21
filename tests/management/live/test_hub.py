"""Feeds shown to those who listen."""

import asyncio
import json
from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker.alarms import Resource
from management.access.account import Account, account_of
from management.live import listeners as listeners_module
from management.live.feeds import feeds_of
from management.live.hub import Audience, Hub
from management.live.listeners import Listener
from tests.support.management_api import Api

ADMINISTRATOR = account_of("guest", ("administrator",))


class Listening:
    """One who listens, without a loop of its own: each look is asked for."""

    def __init__(self, api: Api, feeds: str, account: Account = ADMINISTRATOR) -> None:
        self.api = api
        self.hub: Hub = api.management.services.hub
        self.listener = Listener(lambda: True)
        self.audience = Audience(self.listener, account, feeds_of(feeds))
        self.hub._audiences[self.listener] = self.audience

    def look(self) -> list[tuple[str, Any]]:
        self.api.node.now_ms += 1_000
        self.api.node.end_turns()
        self.api._runner.run(self.hub.look())
        return self.events()

    def events(self) -> list[tuple[str, Any]]:
        found = []
        for part in self.listener._taken().decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in part.splitlines())
            if lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found


def test_a_queue_is_shown_whole_and_then_what_changed(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    listening = Listening(api, "queues:/:jobs")
    [(name, data)] = listening.look()
    assert (name, data["topic"], data["value"]["messages"]) == ("snapshot", "queues:/:jobs", 0)
    assert listening.look() == []
    for _ in range(4):
        peer.publish(b"x")
    [(name, data)] = listening.look()
    assert name == "delta"
    assert {tuple(path): value for path, value in data["changes"]} == {
        ("messages",): 4,
        ("messages_ready",): 4,
        ("message_stats", "publish"): 4,
        ("rates", "publish"): 4.0,
    }
    [(_, data)] = listening.look()
    assert data["changes"] == [[["rates", "publish"], 0.0]]


def test_a_queue_that_goes_is_gone_once(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    listening = Listening(api, "queues:/:jobs,/:never")
    assert [name for name, _ in listening.look()] == ["snapshot", "gone"]
    peer.send(commands.Queue.Delete, queue="jobs")
    assert listening.look() == [("gone", {"topic": "queues:/:jobs"})]
    assert listening.look() == []
    peer.declare()
    assert [name for name, _ in listening.look()] == ["snapshot"]


def test_a_right_that_is_taken_away_ends_the_feed(api: Api) -> None:
    api.add_user("eve", "management")
    peer = api.node.open()
    peer.declare()
    listening = Listening(api, "queues:/:jobs", account_of("eve", ("management",)))
    assert [name for name, _ in listening.look()] == ["snapshot"]
    api.delete("permissions/%2F/eve")
    assert [name for name, _ in listening.look()] == ["gone"]


def test_the_overview_is_of_what_the_user_sees(api: Api) -> None:
    api.add_user("eve", "management", vhosts=())
    peer = api.node.open()
    peer.declare()
    eve = Listening(api, "overview", account_of("eve", ("management",)))
    guest = Listening(api, "overview")
    for _ in range(3):
        peer.publish(b"x")
    eve.look()
    peer.publish(b"x")
    [(_, data)] = guest.look()[1:]
    changed = {tuple(path): value for path, value in data["changes"]}
    assert changed["message_stats", "publish"] == 4
    assert changed["rates", "publish"] == 1.0
    assert eve.events() == []


def test_alarms_and_the_node_and_what_needs_a_hand(api: Api) -> None:
    listening = Listening(api, "alarms;nodes;attention")
    assert [data["topic"] for _, data in listening.look()] == ["alarms", "nodes", "attention"]
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=api.node.now_ms)
    [(name, data)] = [pair for pair in listening.look() if pair[1]["topic"] == "alarms"]
    assert (name, data["changes"]) == ("alarm", [[["alarm"], "low on disk"]])


def test_who_has_lost_events_gets_a_whole_picture(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = api.node.open()
    peer.declare()
    listening = Listening(api, "queues:/:jobs")
    listening.look()
    monkeypatch.setattr(listeners_module, "BUFFER_BYTES", 10)
    peer.publish(b"x")
    assert [name for name, _ in listening.look()] == ["lag"]
    monkeypatch.undo()
    assert [name for name, _ in listening.look()] == ["snapshot"]


def test_nothing_is_made_without_anybody(api: Api) -> None:
    hub = api.management.services.hub

    async def listen() -> None:
        listener = Listener(lambda: True)
        hub.begin(Audience(listener, ADMINISTRATOR, feeds_of("overview")))
        stream = listener.sent()
        async with asyncio.timeout(5):
            assert (await anext(stream)).startswith(b"event: snapshot")
        assert (len(hub), hub._task is None) == (1, False)
        hub.end(listener)
        assert (len(hub), hub._task, hub._looked) == (0, None, {})

    api._runner.run(listen())


def test_pictures_are_made_once_for_all_who_see_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    pictures = api.management.services.hub._pictures
    made = type(pictures).of

    async def counted(self: Any, feed: Any, account: Any) -> Any:  # noqa: ANN401 -- as it is
        asked.append(feed.kind)
        return await made(self, feed, account)

    monkeypatch.setattr(type(pictures), "of", counted)
    many = [Listening(api, "overview") for _ in range(10)]
    many[0].look()
    assert asked == ["overview"]
