"""Calls of the HTTP API: names in paths, refusals, answers that are none."""

import json

import pytest

from command_line.api import Api, path_of, refusal
from command_line.errors import CommandError
from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Typed


def answers(status: int, body: object = None) -> Answer:
    text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Answer(status, {}, text)


@pytest.mark.parametrize(
    ("name", "segment"),
    [("/", "%2F"), ("a b+c", "a%20b%2Bc"), ("é", "%C3%A9"), ("\udcff", "%FF"), ("..", "%2E%2E")],
)
def test_a_name_is_one_segment(name: str, segment: str) -> None:
    assert path_of("queues", name) == f"/api/queues/{segment}"


@pytest.mark.parametrize("name", ["a/b", "..", "100%", "q?x#y", "é\x1b", " "])
def test_every_name_reaches_its_queue(typed: Typed, name: str) -> None:
    assert typed("queues", "declare", name).status == 0
    assert typed("queues", "show", name, "-o", "json").json["name"] == name


@pytest.mark.parametrize(
    ("status", "body", "path", "exit_status", "text"),
    [
        (401, None, "/api/queues", 77, "the name or the password is wrong"),
        (401, {"error": "not_authorised", "reason": "Not admin"}, "/api/x", 77, "Not admin"),
        (
            404,
            {"error": "x", "reason": "Not Found"},
            "/api/queues/q?a=b",
            65,
            "there is no queues/q",
        ),
        (404, {"error": "x", "reason": "Not Found"}, "/api/users/u", 67, "there is no users/u"),
        (404, {"error": "not_found", "reason": "vhost_not_found"}, "/api/x", 65, "vhost_not_found"),
        (400, {"error": "bad_request", "reason": [1]}, "/api/x", 65, "[1]"),
        (405, None, "/api/x", 64, "HTTP status 405"),
        (500, b"<html>", "/api/x", 70, "HTTP status 500"),
        (
            503,
            {"reason": "too many requests at a time"},
            "/api/x",
            75,
            "too many requests at a time",
        ),
        (503, {"reason": "alarm"}, "/api/health/checks/alarms", 69, "alarm"),
        (503, b"<html>", "/api/health/checks/alarms", 75, "HTTP status 503"),
    ],
)
def test_a_refusal_has_a_text_and_a_status(
    status: int, body: object, path: str, exit_status: int, text: str
) -> None:
    error = refusal(answers(status, body), path)
    assert (error.status, str(error)) == (exit_status, text)


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"[" * 100_000, b'{"a":'])
def test_an_answer_that_is_no_json_is_an_error_of_the_protocol(body: bytes) -> None:
    with pytest.raises(CommandError) as caught:
        Api(Scripted(answers(200, body))).get("/api/overview")
    assert caught.value.status == 76


def test_json_of_another_form_is_an_error_of_the_protocol() -> None:
    api = Api(Scripted(answers(200, 5)))
    for look in (api.thing, api.things):
        with pytest.raises(CommandError) as caught:
            look("/api/x")
        assert caught.value.status == 76


def test_a_list_comes_page_by_page(typed: Typed) -> None:
    for number in range(3):
        typed("queues", "declare", f"q{number}")
    api = Api(typed.way)
    pages = list(api.pages("/api/queues", columns="name"))
    assert [row["name"] for page in pages for row in page] == ["q0", "q1", "q2"]
