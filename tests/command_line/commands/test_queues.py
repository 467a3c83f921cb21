"""``haremq queues``."""

from tests.support.typed_commands import Typed


def test_a_queue_comes_is_shown_and_goes(typed: Typed) -> None:
    assert typed("queue", "declare", "q", "--type", "quorum", "-a", "x-max-length=5").status == 0
    shown = typed("queues", "show", "q", "-o", "json").json
    assert (shown["type"], shown["durable"]) == ("quorum", True)
    assert shown["arguments"] == {"x-queue-type": "quorum", "x-max-length": 5}
    assert typed("queues", "delete", "q", "--yes").status == 0
    assert typed("queues", "show", "q").status == 65


def test_a_deletion_asks_and_says_what_would_be_lost(typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("publish", "q", "hello")
    refused = typed("queues", "delete", "q")
    assert (refused.status, "1 messages" in refused.err) == (64, True)
    assert typed("queues", "delete", "q", typed="n").status == 1
    assert typed("queues", "show", "q").status == 0
    assert typed("queues", "delete", "q", "--if-empty", typed="y").status == 65
    assert typed("queues", "delete", "q", typed="y").status == 0


def test_a_purge_asks(typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("publish", "q", "hello")
    assert typed("queues", "purge", "q").status == 64
    assert typed("queues", "purge", "q", "-y").status == 0
    assert typed("queues", "show", "q", "-o", "json").json["messages"] == 0


def test_a_declaration_that_differs_is_refused_with_the_reason(typed: Typed) -> None:
    typed("queues", "declare", "q")
    said = typed("queues", "declare", "q", "--transient")
    assert (said.status, "inequivalent arg 'durable'" in said.err) == (65, True)


def test_what_leads_to_a_queue(typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("bindings", "declare", "amq.topic", "q", "a.#")
    rows = typed("queues", "bindings", "q", "-o", "json").json
    assert [row["source"] for row in rows] == ["", "amq.topic"]


def test_a_queue_is_paused_and_resumed(typed: Typed) -> None:
    typed("queues", "declare", "q")
    assert typed("queue", "pause", "q").status == 0
    assert typed("queues", "show", "q", "-o", "json").json["state"] == "paused"
    assert typed("queue", "resume", "q").status == 0
    assert typed("queues", "show", "q", "-o", "json").json["state"] == "running"
    assert typed("queue", "pause", "nope").status == 65
