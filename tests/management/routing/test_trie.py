"""Paths are split before they are decoded, and every segment is decoded once."""

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.http.errors import HttpError
from management.http.response import Response, empty
from management.routing.route import Right, Route
from management.routing.trie import Trie


async def _nothing(_call: object) -> Response:
    return empty()


def route(path: str, method: str = "GET", *, extension: bool = False) -> Route:
    return Route(
        method=method,
        path=path,
        right=Right.USER,
        handler=_nothing,
        summary="",
        extension=extension,
    )


TRIE = Trie(
    [
        route("queues"),
        route("queues/{vhost}"),
        route("queues/detailed"),
        route("queues/{vhost}/{name}"),
        route("queues/{vhost}/{name}", "PUT"),
        route("queues/{vhost}/{name}", "DELETE"),
        route("queues/{vhost}/{name}/get", "POST"),
        route("exchanges/{vhost}/{exchange}"),
        route("users/bulk-delete", "POST"),
        route("users/{user}"),
    ]
)


def found(path: str) -> tuple[str, dict[str, str]] | None:
    match = TRIE.find(path)
    if match is None:
        return None
    return next(iter(match.routes.values())).path, dict(match.names)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("queues/%2F/q", {"vhost": "/", "name": "q"}),
        ("queues/%2f/a%2Fb", {"vhost": "/", "name": "a/b"}),
        ("queues/%2F/a%252Fb/", {"vhost": "/", "name": "a%2Fb"}),
        ("queues/%2F/a+b", {"vhost": "/", "name": "a+b"}),
        ("queues/%2F/%2E%2E", {"vhost": "/", "name": ".."}),
        ("queues/%2F/x/../q", {"vhost": "/", "name": "q"}),
        ("queues/%2F/amq.default", {"vhost": "/", "name": "amq.default"}),
        ("queues//%2F", {"vhost": "", "name": "/"}),
    ],
)
def test_names(path: str, names: dict[str, str]) -> None:
    assert found(path) == ("queues/{vhost}/{name}", names)


def test_the_default_exchange_has_a_name_in_paths_only() -> None:
    assert found("exchanges/%2F/amq.default") == (
        "exchanges/{vhost}/{exchange}",
        {"vhost": "/", "exchange": ""},
    )
    assert found("exchanges/%2F/%61mq.default") == found("exchanges/%2F/amq.default")


def test_a_fixed_segment_comes_first_and_the_named_one_is_not_lost() -> None:
    assert found("queues/detailed") == ("queues/detailed", {})
    assert found("queues/detailed/q") == (
        "queues/{vhost}/{name}",
        {"vhost": "detailed", "name": "q"},
    )


@pytest.mark.parametrize("path", ["", "nope", "queues/a/b/c", "queue", "/queues", "a/" * 100])
def test_what_is_nowhere(path: str) -> None:
    assert TRIE.find(path) is None


def test_the_methods_of_a_path() -> None:
    matches = [TRIE.find(path) for path in ("queues/a/b", "queues", "queues/a/b/get")]
    assert [match.allowed for match in matches if match] == [
        "HEAD, GET, PUT, DELETE, OPTIONS",
        "HEAD, GET, OPTIONS",
        "POST, OPTIONS",
    ]


def test_two_rows_of_a_path_and_method_are_a_bug() -> None:
    with pytest.raises(ValueError, match="twice"):
        Trie([route("a"), route("a")])


@given(st.binary(min_size=1, max_size=40), st.binary(min_size=1, max_size=40))
def test_every_name_comes_back(vhost: bytes, name: bytes) -> None:
    path = f"queues/{quote(vhost, safe='')}/{quote(name, safe='')}".replace(".", "%2E")
    match = TRIE.find(path)
    assert match is not None
    assert match.names["name"].encode("utf-8", "surrogateescape") == name
    assert match.names["vhost"].encode("utf-8", "surrogateescape") == vhost


@given(st.text(alphabet="ab/%2F.+#é\x00", max_size=60))
def test_no_path_breaks_it(path: str) -> None:
    with contextlib.suppress(HttpError):
        TRIE.find(path)


def test_a_path_of_ours_hides_none_of_rabbitmq() -> None:
    ours = route("queues/bulk", "POST", extension=True)
    trie = Trie([route("queues/{vhost}"), ours, route("users/x", "POST"), route("users/{user}")])
    for method in ("GET", "HEAD"):
        match = trie.find("queues/bulk", method)
        assert match is not None
        assert (match.routes["GET"].path, match.names) == ("queues/{vhost}", {"vhost": "bulk"})
    for method in ("POST", "OPTIONS", ""):
        match = trie.find("queues/bulk", method)
        assert match is not None
        assert (dict(match.routes), match.names) == ({"POST": ours}, {})
    match = trie.find("users/x", "GET")
    assert match is not None
    assert list(match.routes) == ["POST"], "RabbitMQ's own path hides it there too"
