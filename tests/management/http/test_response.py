"""Answers."""

from management.http.errors import HttpError
from management.http.response import answer, created_or_changed, empty, of_error


def test_answers() -> None:
    assert (answer({"a": 1}).status, answer({"a": 1}).body) == (200, b'{"a":1}')
    assert (empty().status, empty().content_type) == (204, None)
    assert [created_or_changed(is_new=new).status for new in (True, False)] == [201, 204]


def test_an_error_without_a_word_has_no_body() -> None:
    assert of_error(HttpError(406)).content_type is None
    assert of_error(HttpError(405, headers={"Allow": "GET"})).headers == {"Allow": "GET"}
