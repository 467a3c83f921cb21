"""Users and their limits, with RabbitMQ's words."""

import pytest

from tests.support.management_api import Api

HASH = "AQIDBHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4"


def test_a_user_is_made_changed_and_deleted(api: Api) -> None:
    assert api.put("users/w", {"password": "p", "tags": "management"}).status == 201
    assert api.put("users/w", {"password": "p", "tags": ["b", "a", 1]}).status == 204
    user = api.get("users/w").json
    assert {key: user[key] for key in ("name", "tags", "limits", "hashing_algorithm")} == {
        "name": "w",
        "tags": ["b", "a", "1"],
        "limits": {},
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }
    assert api.delete("users/w").status == 204
    assert api.delete("users/w").json == {"error": "Object Not Found", "reason": "Not Found"}
    assert api.get("users/w").status == 404


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "tags_not_present"),
        (None, "tags_not_present"),
        ({"password": "p"}, "tags_not_present"),
        (b"{bad", "not_json"),
        (b"[]", "not_json"),
        ({"password_hash": "!!", "tags": ""}, ["not_base64", "!!"]),
        ({"password_hash": 5, "tags": ""}, ["not_base64", 5]),
        (
            {"password_hash": HASH, "password": "p", "tags": ""},
            "both_password_and_password_hash_are_provided",
        ),
    ],
)
def test_what_is_refused(api: Api, body: object, reason: object) -> None:
    reply = api.put("users/w", body)
    assert (reply.status, reply.json) == (400, {"error": "bad_request", "reason": reason})
    assert api.get("users/w").status == 404


@pytest.mark.parametrize("body", [{"tags": 5}, {"tags": None}, {"password": 5, "tags": ""}])
def test_a_wrong_type_is_400(api: Api, body: object) -> None:
    assert api.put("users/w", body).status == 400


def test_a_hash_is_kept(api: Api) -> None:
    api.put("users/w", {"password_hash": HASH, "tags": ""})
    assert api.get("users/w").json["password_hash"] == HASH
    api.put("users/w", {"tags": "a, b ,c"})
    assert (api.get("users/w").json["password_hash"], api.get("users/w").json["tags"]) == (
        "",
        ["a", "b", "c"],
    )


def test_names_of_any_kind(api: Api) -> None:
    assert api.put("users/w%20sp%2Fx%C3%A9", {"tags": ""}).status == 201
    assert api.get("users/w%20sp%2Fx%C3%A9").json["name"] == "w sp/x\xe9"
    assert api.put("users/", {"tags": ""}).status == 405


def test_lists(api: Api) -> None:
    api.put("users/eve", {"tags": "management"})
    assert [user["name"] for user in api.get("users").json] == ["eve", "guest"]
    assert [user["name"] for user in api.get("users/without-permissions").json] == ["eve"]
    assert api.get("users?page=1&page_size=1&columns=name").json["items"] == [{"name": "eve"}]


def test_bulk_delete_stops_at_the_first_unknown_one(api: Api) -> None:
    for name in ("b1", "b2"):
        api.put(f"users/{name}", {"tags": ""})
    reply = api.post("users/bulk-delete", {"users": ["b1", "nope", "b2"]})
    assert reply.json["reason"] == ["no_such_user", "nope"]
    assert [api.get(f"users/{name}").status for name in ("b1", "b2")] == [404, 200]
    assert api.post("users/bulk-delete", {"users": ["b2"]}).status == 204
    assert api.post("users/bulk-delete", {}).json["reason"] == "[{key_missing,users}]"
    assert api.post("users/bulk-delete", {"users": [1]}).json["reason"] == ["no_such_user", 1]
    assert api.post("users/bulk-delete", {"users": "x"}).status == 400


def test_limits(api: Api) -> None:
    api.add_user("eve", "management")
    assert api.put("user-limits/eve/max-channels", {"value": 10}).status == 204
    assert api.put("user-limits/eve/max-connections", {"value": -1}).status == 204
    held = [{"user": "eve", "value": {"max-channels": 10, "max-connections": -1}}]
    assert api.get("user-limits").json == held
    assert api.get("user-limits/eve", user="eve").json == held
    assert api.get("user-limits/guest").json == []
    assert api.get("user-limits/guest", user="eve").status == 401
    for _ in range(2):
        assert api.delete("user-limits/eve/max-channels").status == 204
    assert api.get("user-limits").json == [{"user": "eve", "value": {"max-connections": -1}}]


def test_limits_that_are_refused(api: Api) -> None:
    api.add_user("eve", "management")
    path = "user-limits/eve/max-channels"
    assert api.put(path, {}).json["reason"] == "[{key_missing,value}]"
    assert api.put(path).status == 415
    assert api.put(path, {"value": "10"}).json["reason"] == (
        'max-channels should be a number, actually was <<"10">>'
    )
    assert api.put("user-limits/eve/max-queues", {"value": 10}).json["reason"] == (
        'Unrecognised terms [{<<"max-queues">>,10}] in user-limits'
    )
    nobody = api.put("user-limits/nope/max-channels", {"value": 1})
    assert (nobody.status, nobody.json["reason"]) == (400, ["no_such_user", "nope"])
    assert api.delete("user-limits/nope/max-channels").status == 404
