"""How many logins there were, over HTTP."""

from tests.support.frames import PROTOCOL_HEADER
from tests.support.management_api import Api


def test_logins_are_counted_and_forgotten(api: Api) -> None:
    node = api.management.services.identity.node
    api.node.open()
    peer = api.node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.log_in("eve", "wrong")
    api.get("whoami", user="guest:wrong")
    shown = {one["protocol"]: one for one in api.get(f"auth/attempts/{node}").json}
    assert shown["amqp091"] == {
        "protocol": "amqp091",
        "auth_attempts": 2,
        "auth_attempts_failed": 1,
        "auth_attempts_succeeded": 1,
    }
    assert shown["http"]["auth_attempts_failed"] == 1
    sources = api.get(f"auth/attempts/{node}/source").json
    assert {
        "remote_address": "127.0.0.1",
        "username": "eve",
        "protocol": "amqp091",
        "auth_attempts": 1,
        "auth_attempts_failed": 1,
        "auth_attempts_succeeded": 0,
    } in sources
    assert api.delete(f"auth/attempts/{node}/source").status == 204
    assert api.get(f"auth/attempts/{node}/source").json == []
    assert api.delete(f"auth/attempts/{node}").status == 204
    assert api.get(f"auth/attempts/{node}").json == []


def test_another_node_is_not_there(api: Api) -> None:
    assert api.get("auth/attempts/none@nowhere").status == 404
    assert api.delete("auth/attempts/none@nowhere/source").status == 404
    api.add_user("eve", "management")
    node = api.management.services.identity.node
    assert api.get(f"auth/attempts/{node}", user="eve").status == 401
