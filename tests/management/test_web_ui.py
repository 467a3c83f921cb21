"""The files of the web UI: what is served, for how long it may be kept, and under which policy."""

import gzip
from pathlib import Path

import pytest

from management.web_ui import POLICY, WebUi


@pytest.fixture
def built(tmp_path: Path) -> WebUi:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>", encoding="utf-8")
    (tmp_path / "assets" / "index-0f.js").write_text("render()", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no type of ours", encoding="utf-8")
    return WebUi(tmp_path)


def test_the_root_is_the_page(built: WebUi) -> None:
    page = built.file("")
    assert page is not None
    assert page == built.file("index.html")
    assert page.body == b"<!doctype html>"
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_a_file_is_there_plain_and_gzipped(built: WebUi) -> None:
    script = built.file("assets/index-0f.js")
    assert script is not None
    assert gzip.decompress(script.gzipped) == script.body == b"render()"


def test_a_name_with_a_hash_is_kept_for_ever_and_others_are_asked_for_again(built: WebUi) -> None:
    script, page = built.file("assets/index-0f.js"), built.file("")
    assert script is not None
    assert page is not None
    assert "immutable" in script.headers["cache-control"]
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["etag"] != script.headers["etag"]


def test_every_file_has_the_policy(built: WebUi) -> None:
    for path in built.paths():
        file = built.file(path)
        assert file is not None
        assert file.headers["content-security-policy"] == POLICY
        assert file.headers["x-content-type-options"] == "nosniff"


def test_the_policy_lets_no_inline_code_in() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


@pytest.mark.parametrize(
    "path", ["notes.txt", "../web_ui.py", "assets/../index.html", "/index.html", "nowhere"]
)
def test_only_what_was_built_is_served(built: WebUi, path: str) -> None:
    assert built.file(path) is None


def test_a_package_without_the_ui_says_how_to_get_it(tmp_path: Path) -> None:
    ui = WebUi(tmp_path / "nowhere")
    page = ui.file("")
    assert not ui.is_built
    assert page is not None
    assert b"make web" in page.body
    assert page.headers["cache-control"] == "no-cache"
