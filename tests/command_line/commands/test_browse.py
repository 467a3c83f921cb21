"""``haremq queues peek``, ``queues unacked`` and ``streams read``."""

import json
from collections.abc import Iterator

from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Typed

ITEM = {
    "position": 3,
    "exchange": "",
    "routing_key": "q",
    "redelivered": False,
    "properties": {"headers": {"a": 1}},
    "payload_bytes": 2,
    "payload": "aGk=",
    "payload_encoding": "base64",
    "offset": 7,
}
LOOK = {"items": [ITEM], "scanned": 9, "total": 20, "next": {"offset": 12, "place": "0.12"}}


def typed(body: object) -> tuple[Typed, Scripted]:
    way = Scripted(Answer(200, {}, json.dumps(body).encode()))
    return Typed(way=way), way


def test_messages_are_shown_where_they_are() -> None:
    user, way = typed(LOOK)
    said = user("queues", "peek", "q", "--from", "2", "-n", "5", "--text", "hi", "--header", "a=1")
    assert said.status == 0
    assert "hi" in said.out
    assert said.err == "scanned 9; there are more, from 12 on\n"
    [(method, path, body)] = way.asked
    assert (method, path) == ("POST", "/api/queues/%2F/q/peek")
    assert json.loads(body) == {
        "offset": 2,
        "state": "ready",
        "count": 5,
        "scan": 20_000,
        "filter": {"text": "hi", "headers": {"a": 1}},
        "encoding": "auto",
    }


def test_json_has_what_the_node_says() -> None:
    user, _ = typed(LOOK)
    said = user("queues", "peek", "q", "--unacked", "-o", "json")
    assert (said.json[0]["payload"], said.err) == ("hi", "")


def test_a_stream_is_read_from_an_offset_or_a_time() -> None:
    user, way = typed({**LOOK, "next": None})
    assert user("streams", "read", "s", "--from", "10m", "--key", "k").status == 0
    body = json.loads(way.asked[0][2])
    assert (body["offset"], body["filter"]) == ("10m", {"routing_key": "k"})


def test_who_holds_messages() -> None:
    user, way = typed([{"delivery_tag": 5, "channel_name": "c (1)"}])
    assert "c (1)" in user("queues", "unacked", "q").out
    assert way.asked[0][1] == "/api/queues/%2F/q/unacked"


class Passing(Scripted):
    """Messages that pass, and some that were too many."""

    def lines(self, path: str) -> Iterator[bytes]:
        assert path in {
            "/api/queues/%2F/q/tail?rate=5&truncate=10",
            "/api/exchanges/%2F/x/tail?rate=100",
        }
        for event in ({"lost": 7}, ITEM, ITEM):
            yield f"data: {json.dumps(event)}\n".encode()
            yield b"\n"


def test_messages_are_shown_as_they_pass() -> None:
    typed = Typed(way=Passing(Answer(200, {}, b"")))
    said = typed("queues", "tail", "q", "--rate", "5", "--truncate", "10")
    assert (said.status, said.out, said.err) == (0, "  q  2  hi\n" * 2, "7 more passed\n")
    said = typed("exchanges", "tail", "x", "-n", "1", "-o", "jsonl")
    assert (said.out.count("\n"), said.json["payload"]) == (1, "hi")
