"""``haremq explain``, ``route`` and ``attention``."""

import re

from amqp_server.broker.alarms import Resource
from tests.support.typed_commands import Typed


def test_why_a_queue_does_not_move(typed: Typed) -> None:
    typed("queues", "declare", "q")
    assert typed("explain", "q").out.startswith("q: nothing waits in it\n0 ready")
    typed("publish", "q", "x")
    said = typed("explain", "q")
    assert "1 ready, 0 unacknowledged" in said.out
    assert "  ! " in said.out
    assert typed("explain", "q", "-o", "json").json["verdict"] == "waits"
    assert typed("explain", "none").status == 65


def test_where_a_message_would_go(typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("queues", "declare", "other")
    typed("bindings", "declare", "amq.topic", "q", "a.#")
    typed("bindings", "declare", "amq.topic", "other", "b")
    said = typed("route", "amq.topic", "a.b")
    assert "to q: amq.topic" in said.out
    assert "not to other: " in said.out
    assert "to no queue\n" in typed("route", "amq.topic", "z").out
    assert typed("route", "", "q", "-o", "json").json["routed"] is True
    assert typed("route", "none", "q").status == 65


def test_what_needs_a_hand(typed: Typed) -> None:
    assert typed("attention", "-o", "json").json == []
    assert typed("attention").out.startswith("severity")


def test_a_table_says_since_when_as_a_time(typed: Typed) -> None:
    api = typed.api
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=api.node.now_ms)
    api._runner.run(api.management.services.sampler.look())
    assert re.search(r" \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\n", typed("attention").out)
    (row,) = typed("attention", "-o", "json").json
    assert isinstance(row["since"], int)
