"""``haremq streams``."""

from tests.support.typed_commands import Typed


def test_a_stream_is_shown(typed: Typed) -> None:
    typed("queues", "declare", "s", "--type", "stream")
    typed("queues", "declare", "q")
    shown = typed("stream", "info", "s", "-o", "json").json
    assert (shown["name"], shown["offsets"], shown["writers"]) == ("s", {}, {})
    said = typed("streams", "info", "q")
    assert (said.status, "is a classic queue" in said.err) == (65, True)
    assert typed("streams", "info", "none").status == 65


def test_clients_of_streams(typed: Typed) -> None:
    typed("queues", "declare", "s", "--type", "stream")
    for noun in ("consumers", "publishers"):
        assert typed("streams", noun, "-o", "json").json == []
        assert typed("streams", noun, "s", "-o", "json").json == []


def test_a_super_stream(typed: Typed) -> None:
    assert typed("streams", "declare-super", "orders", "--partitions", "2").status == 0
    rows = typed("queues", "list", "-o", "json", "-c", "name,type").json
    assert [row["type"] for row in rows] == ["stream", "stream"]
