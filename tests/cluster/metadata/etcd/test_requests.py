import asyncio
from collections.abc import Mapping

import pytest

from cluster.metadata.errors import RequestRefusedError, StoreAwayError
from cluster.metadata.etcd.endpoints import Endpoints
from cluster.metadata.etcd.http import Answer, Http, NotSentError
from cluster.metadata.etcd.requests import Login, Requests, UnsureError

GOOD = Answer(200, b'{"header":{"cluster_id":"1","revision":"2"}}')
TOKEN = Answer(200, b'{"token":"t"}')
BUSY = Answer(429, b'{"error":"etcdserver: too many requests","code":8}')
TIMED_OUT = Answer(503, b'{"error":"etcdserver: request timed out","code":14}')
OLD_TOKEN = Answer(401, b'{"error":"etcdserver: invalid auth token","code":16}')
NO_USER = Answer(400, b'{"error":"authentication failed, invalid user ID or password","code":3}')


class FakeHttp(Http):
    """Answers in the order of a script, and notes who was asked what."""

    def __init__(self, *script: Answer | Exception) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str]] = []

    async def post(self, url: str, request: object, headers: Mapping[str, str]) -> Answer:
        del request, headers
        host, _, path = url.removeprefix("http://").partition("/v3/")
        self.asked.append((host, path))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ask(http: FakeHttp, *, changes: bool, login: Login | None = None) -> list[tuple[str, str]]:
    requests = Requests(http, Endpoints(["http://a", "http://b"]), login)
    asyncio.run(requests.ask("kv/x", {}, changes=changes))
    return http.asked


def test_a_change_is_asked_again_only_where_it_was_not_carried_out() -> None:
    both = [("a", "kv/x"), ("b", "kv/x")]
    assert ask(FakeHttp(NotSentError("x"), GOOD), changes=True) == both
    assert ask(FakeHttp(BUSY, GOOD), changes=True) == both
    for doubt in (StoreAwayError("x"), TIMED_OUT):
        http = FakeHttp(doubt)
        with pytest.raises(UnsureError):
            ask(http, changes=True)
        assert http.asked == both[:1]


def test_a_read_is_asked_of_all_and_of_the_first_once_more() -> None:
    asked = ask(FakeHttp(StoreAwayError("x"), TIMED_OUT, GOOD), changes=False)
    assert [host for host, _ in asked] == ["a", "b", "a"]
    with pytest.raises(StoreAwayError):
        ask(FakeHttp(*[StoreAwayError("x")] * 3), changes=False)


def test_a_token_is_asked_for_and_again_where_it_is_not_valid() -> None:
    http = FakeHttp(TOKEN, OLD_TOKEN, TOKEN, GOOD)
    asked = ask(http, changes=True, login=Login("u", "p"))
    assert [path for _, path in asked] == ["auth/authenticate", "kv/x"] * 2


def test_a_login_that_is_refused() -> None:
    with pytest.raises(RequestRefusedError):
        ask(FakeHttp(NO_USER), changes=True, login=Login("u", "p"))
    with pytest.raises(RequestRefusedError):
        ask(FakeHttp(TOKEN, OLD_TOKEN, TOKEN, OLD_TOKEN), changes=True, login=Login("u", "p"))


def test_a_login_without_answer_has_changed_nothing() -> None:
    away = StoreAwayError("x")
    asked = ask(FakeHttp(away, away, TOKEN, GOOD), changes=True, login=Login("u", "p"))
    assert [host for host, _ in asked] == ["a", "a", "b", "b"]
    asked = ask(FakeHttp(NotSentError("x"), TOKEN, GOOD), changes=True, login=Login("u", "p"))
    assert [host for host, _ in asked] == ["a", "b", "b"]
