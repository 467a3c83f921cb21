"""The way in: passwords, their delays, and the sessions of browsers."""

import asyncio
import base64
import json
import os

import pytest

from management.access import login
from management.access.account import OPERATOR, account_of
from management.access.login import basic_credentials
from management.access.sessions import COOKIE
from management.http.errors import HttpError
from management.http.request import Request
from tests.support.management_api import Api


def test_a_wrong_password_and_an_unknown_user_look_the_same(api: Api) -> None:
    replies = [api.get("whoami", user=user) for user in ("guest:wrong", "nobody:x", "guest: ")]
    assert {(reply.status, reply.body) for reply in replies} == {
        (401, b'{"error":"not_authorized","reason":"Login failed"}')
    }
    assert replies[0].headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


def test_no_credentials_have_an_empty_answer(api: Api) -> None:
    reply = api.get("whoami", user=None)
    assert (reply.status, reply.body) == (401, b"")
    assert "www-authenticate" in reply.headers
    assert "content-type" not in reply.headers


def test_a_script_of_a_page_makes_the_browser_ask_for_nothing(api: Api) -> None:
    for headers in ({"sec-fetch-dest": "empty"}, {"x-csrf": "1"}):
        for user in (None, "guest:wrong"):
            reply = api.get("whoami", user=user, headers=headers)
            assert (reply.status, "www-authenticate" in reply.headers) == (401, False)


def test_guest_logs_in_from_this_host_only(api: Api) -> None:
    assert api.get("whoami").status == 200
    assert api.get("whoami", is_loopback=False).status == 401


def test_a_password_that_was_right_is_remembered_until_the_user_changes(api: Api) -> None:
    api.add_user("eve", "management")
    assert api.get("whoami", user="eve").json["tags"] == ["management"]
    api.add_user("eve", "monitoring")
    assert api.get("whoami", user="eve").json["tags"] == ["monitoring"]
    assert api.get("whoami", user="eve").json["tags"] == ["monitoring"]
    api.broker.users.delete("eve")
    assert api.get("whoami", user="eve").status == 401


def test_what_is_remembered_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "REMEMBERED_MAX", 2)
    for name in "abc":
        api.add_user(name, "management")
        assert api.get("whoami", user=name).status == 200
    remembered = api.management.services.logins._remembered
    assert [username for username, _, _ in remembered] == ["b", "c"]


def test_wrong_passwords_wait_and_the_wait_is_let_go(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def note(delay_s: float) -> None:
        waits.append(delay_s)

    monkeypatch.setattr(asyncio, "sleep", note)
    for _ in range(5):
        assert api.get("whoami", user="guest:wrong").status == 401
    assert waits == [0.25, 0.5]
    assert api.broker.logins._held_count == {}
    assert api.get("whoami").status == 200


def test_a_browser_logs_in_and_out(api: Api) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    reply = api.post("login", b"username=guest&password=guest", user=None, headers=form)
    assert (reply.status, reply.json) == (200, "ok")
    cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
    assert api.get("whoami", user=None, headers=cookie).json["name"] == "guest"
    refused = api.put("cluster-name", {"name": "x"}, user=None, headers=cookie)
    assert (refused.status, refused.json["reason"]) == (401, "The header X-CSRF is missing")
    assert api.delete("login", user=None, headers=cookie).status == 204
    assert api.get("whoami", user=None, headers=cookie).status == 401


def test_a_chosen_session_is_not_taken_over_by_a_login(api: Api) -> None:
    headers = {"cookie": f"{COOKIE}=chosen"}
    reply = api.post("login", b"username=guest&password=guest", user=None, headers=headers)
    assert "chosen" not in reply.headers["set-cookie"]
    assert api.get("whoami", user=None, headers=headers).status == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic Z3Vlc3Q=",
        "Digest x",
        "",
        "Basic \u2603",
        "Basic Z3Vlc3Q6Z3Vlc3Q",
    ],
)
def test_credentials_that_cannot_be_read_are_400_without_a_body(api: Api, header: str) -> None:
    reply = api.get("whoami", user=None, headers={"authorization": header})
    assert (reply.status, reply.body) == (400, b"")


def test_a_token_is_a_wrong_login(api: Api) -> None:
    assert api.get("whoami", user=None, headers={"authorization": "Bearer x"}).status == 401


def test_a_password_may_hold_a_colon() -> None:
    text = base64.b64encode("é:a:b".encode()).decode()
    assert basic_credentials(text) == ("é", "a:b")
    with pytest.raises(HttpError):
        basic_credentials("")


def test_who_was_let_in_stands_until_the_user_changes_or_logs_out(api: Api) -> None:
    api.add_user("eve", "management")
    logins = api.management.services.logins
    account = account_of("eve", {"management"})
    by_header = Request("GET", "/", headers={"authorization": "Basic x"})
    assert logins.still_stands(by_header, account)
    name = logins.sessions.open(account, api.broker.users.get("eve"), api.node.now_ms)
    by_cookie = Request("GET", "/", headers={"cookie": f"{COOKIE}={name}"})
    assert logins.still_stands(by_cookie, account)
    logins.sessions.close(name)
    assert not logins.still_stands(by_cookie, account)
    assert logins.is_same(account)
    api.add_user("eve", "monitoring")
    assert not logins.is_same(account)
    assert not logins.still_stands(by_header, account)
    api.delete("users/eve")
    assert not logins.still_stands(by_header, account)


def test_only_who_runs_the_node_needs_no_password_on_its_socket(api: Api) -> None:
    for uid, status in ((os.geteuid(), 200), (0, 200), (os.geteuid() + 1, 401), (None, 401)):
        reply = api.send(Request("GET", "/api/whoami", address="", uid=uid))
        assert reply.status == status
    logins = api.management.services.logins
    assert logins.still_stands(Request("GET", "/", uid=0), OPERATOR)


def test_the_operator_may_do_what_no_user_may(api: Api) -> None:
    """As the last way in: nobody has to have rights."""

    def made(method: str, path: str, body: bytes = b"{}") -> int:
        return api.send(Request(method, f"/api/{path}", body=body, address="", uid=0)).status

    message = {"routing_key": "q", "payload": "x", "payload_encoding": "string", "properties": {}}
    get = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    assert made("DELETE", "users/guest", b"") == 204
    assert made("PUT", "vhosts/w") == 201
    assert made("PUT", "queues/w/q") == 201
    assert made("GET", "queues/w") == 200
    publish = json.dumps({**message, "properties": {"user_id": "eve"}}).encode()
    assert made("POST", "exchanges/w/amq.default/publish", publish) == 200
    assert made("POST", "queues/w/q/get", json.dumps(get).encode()) == 200
    assert made("GET", "aliveness-test/w") == 200
    assert made("DELETE", "queues/w/q", b"") == 204
    assert made("GET", "queues/none") == 404
