"""``haremq status``, ``ping``, ``check`` and ``health``."""

import json

from command_line.transport import Answer
from tests.support.fake_cluster import FakeCluster
from tests.support.typed_commands import Scripted, Typed


def test_the_status_of_a_node(typed: Typed) -> None:
    typed("queues", "declare", "q")
    shown = typed("status", "-o", "json").json
    assert (shown["product"], shown["queues"], shown["alarms"]) == ("HareMQ", 1, "none")
    assert "messages_ready" in typed("status").out


def test_the_status_is_that_of_the_node_that_answers(typed: Typed) -> None:
    own = typed.api.management.services.identity.node
    typed.api.broker.cluster = FakeCluster("a@before", own)
    shown = typed("status", "-o", "json").json
    assert (shown["node"], int(shown["os_pid"]) > 0) == (own, True)


def test_a_node_answers(typed: Typed) -> None:
    assert typed("ping").out == "http://in.memory answers\n"
    assert Typed(way=Scripted(Answer(404, {}, b"")))("ping").status == 76
    assert Typed(way=Scripted(Answer(503, {}, b"")))("ping").status == 0


def test_a_check(typed: Typed) -> None:
    assert typed("check", "alarms").out == "alarms: ok\n"
    assert typed("check", "zork").status == 64
    said = typed("check", "port-listener", "1")
    assert said.status == 69
    assert typed("check", "port-listener", "x").status == 65


def test_several_checks_at_once(typed: Typed) -> None:
    rows = typed("health", "-o", "json").json
    assert {row["status"] for row in rows} == {"ok"}
    failed = json.dumps({"status": "failed", "reason": "alarm"}).encode()
    said = Typed(way=Scripted(Answer(503, {}, failed)))("health", "-o", "json")
    assert said.status == 69
    assert {row["reason"] for row in said.json} == {"alarm"}
    assert Typed(way=Scripted(Answer(401, {}, b"")))("health").status == 77


def test_who_asks(typed: Typed) -> None:
    assert typed("whoami", "-o", "json").json["name"] == "guest"
