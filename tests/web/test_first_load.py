"""The first load is small: what a browser gets before the login, gzipped."""

import re

from management.web_ui import WebUi

FIRST_LOAD_BYTES_MAX = 120 * 1024


def first_files(page: str) -> list[str]:
    """Return the files that a page names: scripts, style sheets and its icon."""
    return re.findall(r'(?:src|href)="\./([^"]+)"', page)


def test_the_first_load_is_at_most_120_kib(ui: WebUi) -> None:
    page = ui.file("")
    assert page is not None
    names = first_files(page.body.decode())
    assert any(name.endswith(".js") for name in names)
    assert any(name.endswith(".css") for name in names)
    files = [ui.file(name) for name in names]
    sizes = [len(file.gzipped) for file in [page, *files] if file is not None]
    assert len(sizes) == len(names) + 1
    assert sum(sizes) <= FIRST_LOAD_BYTES_MAX


def test_the_page_has_no_inline_script_and_no_inline_style(ui: WebUi) -> None:
    page = ui.file("")
    assert page is not None
    text = page.body.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text) == []
    assert "<style" not in text
    assert "style=" not in text


def test_nothing_comes_from_elsewhere(ui: WebUi) -> None:
    page = ui.file("")
    assert page is not None
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*"', page.body.decode()) == []
