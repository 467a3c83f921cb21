"""Messages that wait behind an exchange that delays, over HTTP."""

import pytest

from tests.support.management_api import Api

WAITING = "exchanges/%2F/later/waiting"


@pytest.fixture(autouse=True)
def exchange(api: Api) -> None:
    arguments = {"x-delayed-type": "direct"}
    api.put("exchanges/%2F/later", {"type": "x-delayed-message", "arguments": arguments})
    api.put("queues/%2F/q", {})
    api.post("bindings/%2F/e/later/q/q", {"routing_key": "k"})
    for number, delay_ms in enumerate((9_000, 3_000, 6_000)):
        api.post(
            "exchanges/%2F/later/publish",
            {
                "routing_key": "k",
                "properties": {"headers": {"x-delay": delay_ms}, "message_id": f"id {number % 2}"},
                "payload": f"m{number}",
                "payload_encoding": "string",
            },
        )


def test_what_waits_is_shown_and_stays(api: Api) -> None:
    rows = api.get(WAITING).json
    now_ms = api.broker.wall_ms(api.node.now_ms)
    assert [(row["payload"], row["due_at"] - now_ms) for row in rows] == [
        ("m1", 3_000),
        ("m2", 6_000),
        ("m0", 9_000),
    ]
    assert (rows[0]["routing_key"], rows[0]["properties"]["message_id"]) == ("k", "id 1")
    short = api.get(f"{WAITING}?count=1&truncate=1&encoding=base64").json
    assert [(row["payload"], row["payload_bytes"]) for row in short] == [("bQ==", 2)]
    assert len(api.get(WAITING).json) == 3


def test_what_waits_is_dropped(api: Api) -> None:
    assert api.delete(f"{WAITING}?message_id=id%200").json == {"dropped": 2}
    assert [row["payload"] for row in api.get(WAITING).json] == ["m1"]
    assert api.delete(f"{WAITING}?all=true").json == {"dropped": 1}
    assert api.get(WAITING).json == []


def test_what_is_refused(api: Api) -> None:
    assert api.delete(WAITING).status == 400
    assert api.delete(f"{WAITING}?all=true&message_id=x").status == 400
    assert api.get(f"{WAITING}?count=x").status == 400
    assert api.get("exchanges/%2F/amq.direct/waiting").status == 404
    assert api.get("exchanges/nowhere/later/waiting").status == 404
    api.add_user("ann", "management")
    api.broker.users.set_permissions("ann", "/", "^$", ".*", ".*")
    assert len(api.get(WAITING, user="ann").json) == 3
    assert api.delete(f"{WAITING}?all=true", user="ann").status == 401
    api.broker.users.set_permissions("ann", "/", ".*", ".*", "^$")
    assert api.get(WAITING, user="ann").status == 401
