"""What two HTTP APIs are asked."""

import json

import pytest

from amqp_server.migrating.api import Api, ApiError, api_beside
from tests.migrating.conftest import Ends


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("amqp://old", "http://old:15672"),
        ("amqp://me:p%40ss@old:6000/v", "http://me:p%40ss@old:16000"),
        ("amqps://me@old", "https://me@old:15671"),
        ("amqp://[::1]:5672", "http://[::1]:15672"),
    ],
)
def test_an_api_is_usually_beside_its_broker(uri: str, url: str) -> None:
    assert api_beside(uri) == url


def test_what_is_no_url_is_told_without_its_login() -> None:
    with pytest.raises(ApiError, match="expected a URL"):
        Api("ftp://old")
    with pytest.raises(ApiError, match="something with a login"):
        Api("ftp://me:secret@old")
    with pytest.raises(ApiError):
        api_beside("amqp://old:many")
    assert "secret" not in Api("http://me:secret@old:15672").url


def test_queues_and_definitions_are_read_and_given(source: Ends) -> None:
    definitions = json.loads(source.api.definitions())
    definitions["queues"] = [
        {"name": "a/b", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    ]
    source.api.import_definitions(json.dumps(definitions).encode())
    assert [queue["name"] for queue in source.api.queues()] == ["a/b"]
    assert source.api.queue("/", "a/b")["durable"]
    definitions["queues"] = [
        {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": arguments}
        for name, arguments in (("c", {}), ("d", {"x-max-length": -1}))
    ]
    left_out = source.api.import_definitions(json.dumps(definitions).encode())
    assert "'d'" in left_out, "the broker takes all others, and says which not"
    assert [queue["name"] for queue in source.api.queues()] == ["a/b", "c"]
    with pytest.raises(ApiError, match="400"):
        source.api.import_definitions(b"[]")
    with pytest.raises(ApiError, match="/api/queues/%2F/no: 404"):
        source.api.queue("/", "no")
    with pytest.raises(ApiError, match="401"):
        Api(source.api_url.replace("//", "//guest:wrong@")).queues()


def test_nobody_there_is_told() -> None:
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:1/api/queues: "):
        Api("http://127.0.0.1:1").queues()
