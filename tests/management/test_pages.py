"""The files of the web UI over HTTP."""

import gzip
from pathlib import Path

from management.http.request import Request
from management.pages import Pages
from management.web_ui import WebUi
from tests.support.management_api import Api


def test_a_file_is_sent_once(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>hello", encoding="utf-8")
    pages = Pages(WebUi(tmp_path))
    plain = pages(Request("GET", "/"))
    assert plain is not None
    assert (plain.body, plain.content_type) == (b"<p>hello", "text/html; charset=utf-8")
    packed = pages(Request("GET", "/index.html", headers={"accept-encoding": "br, gzip"}))
    assert packed is not None
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == b"<p>hello"
    assert packed.headers["content-encoding"] == "gzip"
    again = pages(Request("GET", "/", headers={"if-none-match": plain.headers["etag"]}))
    assert again is not None
    assert (again.status, again.body) == (304, b"")
    assert pages(Request("GET", "/nope.js")) is None
    assert pages(Request("PUT", "/")) is None


def test_the_page_keeps_its_own_policy(api: Api) -> None:
    reply = api.get("/", user=None)
    assert reply.status == 200
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    assert b"<title>" in reply.body
