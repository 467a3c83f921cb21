"""Settings in documents are settings: the YAML blocks are read as the broker would read them."""

import re

import pytest

from amqp_server.settings.load import SettingsError, parse_settings
from tests.style.tree import files, text_of

YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def problems_in(text: str) -> list[str]:
    """Return what the broker has to say against the YAML blocks of a document."""
    found: list[str] = []
    for block in YAML_BLOCK.findall(text):
        try:
            parse_settings(block)
        except SettingsError as error:
            found += error.problems
    return found


def test_settings_in_documents_are_settings() -> None:
    documents = {str(path): text_of(path) for path in files() if path.suffix == ".md"}
    assert any(YAML_BLOCK.search(text) for text in documents.values())
    assert {path: found for path, text in documents.items() if (found := problems_in(text))} == {}


@pytest.mark.parametrize("line", ["net: {listenerz: []}", "net: {backlog: many}", "net: ["])
def test_settings_that_are_none_are_seen(line: str) -> None:
    assert problems_in(f"```yaml\n{line}\n```\n") != []
    assert problems_in(f"```json\n{line}\n```\n") == []
