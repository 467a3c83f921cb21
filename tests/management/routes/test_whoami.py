"""Who asks, and the login of a browser."""

from management.access.sessions import COOKIE
from tests.support.management_api import Api

FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_whoami(api: Api) -> None:
    api.add_user("eve", "management", "custom")
    assert api.get("whoami/", user="eve").json == {
        "name": "eve",
        "tags": ["management", "custom"],
        "is_internal_user": True,
    }


def test_a_user_without_a_tag_of_management_is_not_let_in(api: Api) -> None:
    api.add_user("eve", "impersonator")
    for reply in (
        api.get("whoami", user="eve"),
        api.post("login", b"username=eve&password=eve", user=None, headers=FORM),
    ):
        assert (reply.status, reply.json["reason"]) == (401, "Not management user")


def test_a_login_with_wrong_or_missing_words_fails(api: Api) -> None:
    for body in (b"username=guest&password=x", b"username=guest", b"", b'{"username": "guest"}'):
        assert api.post("login", body, user=None, headers=FORM).json == {
            "error": "not_authorized",
            "reason": "Login failed",
        }


def test_a_second_login_ends_the_first_session(api: Api) -> None:
    sessions = api.management.services.logins.sessions
    first = api.post("login", b"username=guest&password=guest", user=None, headers=FORM)
    cookie = first.headers["set-cookie"].partition(";")[0]
    headers = {**FORM, "cookie": cookie}
    api.post("login", b"username=guest&password=guest", user=None, headers=headers)
    assert len(sessions) == 1
    assert api.get("whoami", user=None, headers={"cookie": cookie}).status == 401


def test_a_logout_takes_the_cookie_away(api: Api) -> None:
    reply = api.delete("login", user=None)
    assert reply.headers["set-cookie"].startswith(f"{COOKIE}=; ")
