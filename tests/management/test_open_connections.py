"""Connections as those who ask see them."""

from urllib.parse import quote

from tests.support.management_api import Api


def test_a_connection_is_seen_by_its_owner_and_by_who_monitors(api: Api) -> None:
    client = api.node.open()
    assert client.connection is not None
    api.add_user("eve", "management")
    api.add_user("mo", "monitoring")
    assert [len(api.get("connections", user=user).json) for user in ("guest", "mo", "eve")] == [
        1,
        1,
        0,
    ]
    name = quote(client.connection.session.connection_name, safe="")
    for user, status in (("mo", 200), ("eve", 401)):
        assert api.get(f"connections/{name}", user=user).status == status
        assert api.delete(f"connections/{name}", user=user).status == 401
    assert api.delete(f"connections/{name}").status == 204
