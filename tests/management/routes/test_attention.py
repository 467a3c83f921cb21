"""The list of what needs a hand, and who sees what of it."""

import pytest
from pamqp import commands

from amqp_server.broker.alarms import Resource
from management.routes import attention as module
from tests.support.management_api import Api


def look(api: Api, times: int = 1) -> None:
    for _ in range(times):
        api.node.now_ms += 5_000
        api.node.end_turns()
        api._runner.run(api.management.services.sampler.look())


def growing(api: Api, *queues: str) -> None:
    """Have queues grow long enough for the board to see it."""
    peer = api.node.open()
    for name in queues:
        peer.declare(name)
    for _ in range(9):
        for name in queues:
            peer.publish(b"x", routing_key=name)
        peer.publish(b"x", routing_key="nowhere")
        look(api)


def test_what_needs_a_hand_comes_worst_first(api: Api) -> None:
    look(api)
    growing(api, "jobs")
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=api.node.now_ms)
    look(api)
    shown = api.get("attention").json
    assert [(one["severity"], one["kind"], one["rule"]) for one in shown] == [
        ("bad", "node", "alarm"),
        ("bad", "queue", "no_consumer"),
        ("warn", "connection", "blocked"),
        ("warn", "exchange", "unroutable"),
    ]
    now_ms = api.broker.wall_ms(api.node.now_ms)
    assert all(now_ms - 120_000 < one["since"] <= now_ms for one in shown)
    assert shown[1]["vhost"] == "/"
    assert shown[1]["name"] == "jobs"


def test_a_user_sees_what_is_theirs(api: Api) -> None:
    api.add_user("eve", "management", vhosts=())
    api.add_user("mona", "monitoring", vhosts=())
    api.add_user("bob", "management")
    look(api)
    growing(api, "jobs")
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=api.node.now_ms)
    look(api)

    def kinds(user: str) -> set[str]:
        return {one["kind"] for one in api.get("attention", user=user).json}

    assert kinds("eve") == set()
    assert kinds("mona") == {"node", "connection"}
    assert kinds("bob") == {"queue", "exchange"}
    assert kinds("guest") == {"node", "connection", "queue", "exchange"}


def test_an_answer_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOWN_MAX", 2)
    growing(api, "a", "b", "c")
    assert len(api.get("attention").json) == 2


def test_a_deleted_queue_needs_nothing_any_more(api: Api) -> None:
    growing(api, "jobs")
    assert api.get("attention").json
    peer = api.node.open()
    peer.send(commands.Queue.Delete, queue="jobs")
    look(api, 40)
    assert api.get("attention").json == []
