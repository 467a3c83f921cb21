"""The board: what the sampler shows it, and what it looks at by itself."""

import pytest

from management.attention import board as board_module
from management.attention.board import Board
from management.attention.concern import worst_first
from management.settings import ManagementSettings
from tests.support.management_api import Api


def look(api: Api, times: int = 1) -> Board:
    for _ in range(times):
        api.node.now_ms += 5_000
        api.node.end_turns()
        api._runner.run(api.management.services.sampler.look())
    return api.management.services.attention


def test_a_problem_keeps_the_time_since_which_it_is_known(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    board = look(api)
    for _ in range(9):
        peer.publish(b"x", routing_key="jobs")
        board = look(api)
    [concern] = board.concerns
    peer.publish(b"x", routing_key="jobs")
    [later] = look(api).concerns
    assert (later.rule, later.since_ms) == (concern.rule, concern.since_ms)
    assert later.weight > concern.weight


def test_without_a_sampler_it_looks_by_itself_and_not_too_often() -> None:
    with Api(ManagementSettings(rates_mode="none")) as api:
        peer = api.node.open()
        peer.declare()
        shown = api.get("attention").json
        assert shown == []
        for _ in range(9):
            peer.publish(b"x", routing_key="jobs")
            api.node.now_ms += 2 * board_module.LOOK_AGE_MS
            api.node.end_turns()
            shown = api.get("attention").json
        assert [one["rule"] for one in shown] == ["no_consumer"]
        peer.publish(b"x", routing_key="jobs")
        assert api.get("attention").json == shown


def test_the_worst_are_kept_where_there_are_too_many(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "CONCERNS_MAX", 3)
    peer = api.node.open()
    names = [f"q{index}" for index in range(5)]
    for name in names:
        peer.declare(name)
    board = look(api)
    for _ in range(9):
        for count, name in enumerate(names):
            for _ in range(count + 1):
                peer.publish(b"x", routing_key=name)
        board = look(api)
    assert [concern.name for concern in board.concerns] == ["q4", "q3", "q2"]
    assert list(board.concerns) == sorted(board.concerns, key=worst_first)


def test_a_paused_queue_is_told_until_it_is_resumed(api: Api) -> None:
    peer = api.node.open()
    peer.declare()
    api.put("queues/%2F/jobs/pause")
    [concern] = look(api).concerns
    assert (concern.rule, concern.name, concern.amount) == ("paused", "jobs", "0 ready")
    api.put("queues/%2F/jobs/resume")
    assert look(api).concerns == ()
