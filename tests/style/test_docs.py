"""The documents: links that lead somewhere, programs that parse, decisions in one form."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.style.tree import ROOT, files, text_of

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADR_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
ADR_PARTS = ("- Date: ", "- Status: ", "## Context", "## Decision", "## Consequences")

MODULE_NAME = re.compile(
    r"`(?:amqp_server\.)?((?:broker|net|protocol|settings|wire|exchanges|queues|persistence|load_generator)"
    r"(?:\.(?!py`)\w+)+)`"
)

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
ADRS = [path for path in DOCUMENTS if path.parent == Path("docs/adr") and path.stem != "README"]


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading, as the usual viewers of Markdown make it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.strip().replace(" ", "-")


def anchors_in(document: Path) -> list[str]:
    """Return the anchors of a document's headings."""
    return [anchor_of(heading) for heading in HEADING.findall(prose_of(text_of(document)))]


def prose_of(text: str) -> str:
    """Return a document without its code blocks, whose lines are no headings or links."""
    return FENCE.sub("", text)


def broken_links(document: Path, text: str, known: frozenset[Path]) -> list[str]:
    """Return the links to files, folders or headings that do not exist; the web is not asked."""
    broken = []
    for target in LINK.findall(prose_of(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = Path(document if not name else _resolve(document.parent / name))
        exists = path in known or any(path in other.parents for other in known)
        if not exists or (anchor and anchor not in anchors_in(path)):
            broken.append(target)
    return broken


def _resolve(path: Path) -> Path:
    """Return the path without ``..``; a path that leaves the repository stays absolute."""
    resolved = (ROOT / path).resolve()
    return resolved.relative_to(ROOT) if resolved.is_relative_to(ROOT) else resolved


def programs_that_do_not_parse(text: str) -> list[str]:
    """Return the first lines of the Python blocks that are no Python."""
    broken = []
    for language, program in FENCE.findall(text):
        if language != "python":
            continue
        try:
            ast.parse(program)
        except SyntaxError:
            broken.append(program.splitlines()[0])
    return broken


def missing_modules(text: str) -> list[str]:
    """Return the dotted names of nothing: no module, nothing in a module, no settings key."""
    return [name for name in MODULE_NAME.findall(text) if not _names_something(name.split("."))]


def _names_something(parts: list[str]) -> bool:
    """Return whether a name leads to a package, a module, something in one, or a settings key."""
    folder = ROOT if (ROOT / parts[0]).is_dir() else ROOT / "amqp_server"
    for index, part in enumerate(parts):
        module = folder / f"{part}.py"
        if module.is_file():
            return _is_in(module, parts[index + 1 :]) or _is_settings_key(*parts)
        folder /= part
    return folder.is_dir() or _is_settings_key(*parts)


def _is_in(module: Path, names: list[str]) -> bool:
    text = module.read_text(encoding="utf-8")
    return all(re.search(rf"\b{name}\b", text) for name in names)


def _is_settings_key(package: str, *keys: str) -> bool:
    declared = [path for path in files() if path.parent.name == package and path.stem == "settings"]
    return any(_is_in(ROOT / path, list(keys)) for path in declared)


def problems(rule: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Return what a rule finds, by document."""
    return {str(path): found for path in DOCUMENTS if (found := rule(text_of(path)))}


def test_modules_that_documents_name_exist() -> None:
    assert problems(missing_modules) == {}


def test_links_lead_somewhere() -> None:
    known = frozenset(files())
    broken = {str(path): broken_links(path, text_of(path), known) for path in DOCUMENTS}
    assert {path: links for path, links in broken.items() if links} == {}


def test_programs_in_documents_parse() -> None:
    assert problems(programs_that_do_not_parse) == {}


@pytest.mark.parametrize("document", ADRS, ids=str)
def test_a_decision_has_its_five_parts_in_order(document: Path) -> None:
    assert ADR_NAME.fullmatch(document.name), "NNNN-words-with-hyphens.md"
    text = text_of(document)
    positions = [text.find(part) for part in ADR_PARTS]
    assert -1 not in positions, f"of {ADR_PARTS}"
    assert positions == sorted(positions)


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))
    listing = text_of(Path("docs/adr/README.md"))
    assert [path.name for path in ADRS if path.name not in listing] == []


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    assert "## [Unreleased]" in text_of(Path("CHANGELOG.md"))


def test_a_broken_link_is_seen() -> None:
    known = frozenset(files())
    links = "[a](docs/NOWHERE.md) [b](README.md) [c](docs) [d](#no-such-heading) [e](../x.md)"
    broken = broken_links(Path("README.md"), links, known)
    assert broken == ["docs/NOWHERE.md", "#no-such-heading", "../x.md"]
    assert broken_links(Path("README.md"), "[f](https://example.org/x)", known) == []


def test_a_program_that_does_not_parse_is_seen() -> None:
    assert programs_that_do_not_parse("```python\nif:\n```\n") == ["if:"]
    assert programs_that_do_not_parse("```yaml\nif:\n```\n```python\nprint()\n```\n") == []


def test_a_module_that_does_not_exist_is_seen() -> None:
    text = "`queues.gone` `wire.tables.Gone` `wire.tables.Field` `persistence.record` `queues`"
    assert missing_modules(text) == ["queues.gone", "wire.tables.Gone"]
