"""What is busiest."""

import pytest
from pamqp import commands

from tests.support.management_api import Api


def look(api: Api) -> None:
    api.node.now_ms += 5_000
    api.node.end_turns()
    api._runner.run(api.management.services.sampler.look())


def test_the_busiest_come_first(api: Api) -> None:
    node = api.management.services.identity.node
    peer = api.node.open()
    for name, count in (("busy", 50), ("calm", 5)):
        peer.declare(name)
        for _ in range(count):
            peer.publish(b"x", routing_key=name)
    look(api)
    for _ in range(20):
        peer.publish(b"x", routing_key="busy")
    look(api)
    body = api.get(f"top/{node}?sort=message_queue_len").json
    rows = [(row["name"]["name"], row["message_queue_len"]) for row in body["processes"]]
    assert rows[:2] == [("busy", 70), ("calm", 5)]
    assert body["row_count"] == 20
    body = api.get(f"top/{node}?row_count=1").json
    [row] = body["processes"]
    assert row["name"]["type"] == "connection"
    assert row["reduction_delta"] > 0
    slowest = api.get(f"top/{node}?sort=reductions&sort_reverse=true").json["processes"]
    assert slowest[0]["name"]["name"] == "calm"


def test_what_is_gone_is_left_out(api: Api) -> None:
    node = api.management.services.identity.node
    peer = api.node.open()
    look(api)
    peer.send(commands.Connection.Close, 0, reply_code=200, reply_text="bye")
    assert api.get(f"top/{node}").json["processes"] == []


@pytest.mark.parametrize("path", ["top/none@nowhere", "top/{}?row_count=x"])
def test_what_is_refused(api: Api, path: str) -> None:
    status = api.get(path.format(api.management.services.identity.node)).status
    assert status == (400 if "row_count" in path else 404)
