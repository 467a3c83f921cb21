"""The documents: links that lead somewhere, programs that parse, decisions in one form."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.style.tree import ROOT, files, module_of, source_files, text_of

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADR_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
ADR_PARTS = ("- Date: ", "- Status: ", "## Context", "## Decision", "## Consequences")

TOP_FOLDERS = frozenset(path.parts[0] for path in files() if len(path.parts) > 1)
PACKAGES = sorted(
    {
        path.parts[-2]
        for path in source_files()
        if path.name == "__init__.py" and len(path.parts) == 2 + (path.parts[0] == "amqp_server")
    }
)
"""Whose modules documents name as ``package.module``; a room stands behind its package."""

MODULE_NAME = re.compile(rf"`(?:amqp_server\.)?((?:{'|'.join(PACKAGES)})(?:\.(?!py`|yaml`)\w+)+)`")
DRAWN_MODULE = re.compile(rf"(?<![\w./])((?:{'|'.join(PACKAGES)})(?:\.(?!py\b|yaml\b)[a-z_]+)+)")
BLOCK_PATH = re.compile(rf"(?<![\w./~'\"<-])((?:{'|'.join(sorted(TOP_FOLDERS))})/[\w./*<>-]*\w)")
BLOCK_MODULE = re.compile(r"python3? -m (\w+(?:\.\w+)*)")
DRAWING_SIGNS = frozenset("│▼╎")
ROUTE = re.compile(r"^\| (?:GET|PUT|POST|DELETE) \| `[^`]+`", re.MULTILINE)
PATH_NAME = re.compile(r"`([\w.-]+(?:/[\w.*<>-]+)+/?)(?:::([\w.]+))?`")

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
    """Return the dotted names of nothing: no module, nothing in a module, no settings key.

    Those in drawings, too.
    """
    drawings = [block for _, block in FENCE.findall(text) if DRAWING_SIGNS & set(block)]
    names = MODULE_NAME.findall(text) + [
        name for block in drawings for name in DRAWN_MODULE.findall(block)
    ]
    return [name for name in names if not _names_something(name.split("."))]


def missing_in_blocks(text: str) -> list[str]:
    """Return the paths and the programs (``python -m``) of nothing in the blocks of code."""
    code = "\n".join(block for _, block in FENCE.findall(text))
    missing = [path for path in BLOCK_PATH.findall(code) if not _found(path)]
    for name in BLOCK_MODULE.findall(code):
        path = name.replace(".", "/")
        if name.partition(".")[0] in TOP_FOLDERS and not _found(path):
            missing.append(f"-m {name}")
    return missing


def _found(path: str) -> list[Path]:
    """Return what a path from the root stands for; a module may go without its ``.py``."""
    pattern = re.sub(r"<[\w-]+>", "*", path.rstrip("/"))
    return [*ROOT.glob(pattern), *ROOT.glob(pattern + ".py")]


def missing_paths(text: str) -> list[str]:
    """Return the paths of nothing, and each ``file::name`` whose file does not define the name.

    A path begins at the root of the repository, or in ``amqp_server``, or it is none of ours; ``*``
    and ``<word>`` in it stand for anything. A module may go without its ``.py``. What a row of the
    routes begins with is a path of HTTP.
    """
    missing = []
    for path, name in PATH_NAME.findall(ROUTE.sub("", text)):
        first = path.partition("/")[0]
        if first not in TOP_FOLDERS and first not in PACKAGES:
            continue
        prefix = "" if first in TOP_FOLDERS else "amqp_server/"
        found = _found(prefix + path)
        if not found or (name and not _defines(module_of(found[0].relative_to(ROOT)), name)):
            missing.append(f"{path}::{name}" if name else path)
    return missing


def _defines(module: ast.Module, name: str) -> bool:
    """Return whether a module has a class, function or value of this name, dotted if inside."""
    body: list[ast.stmt] = module.body
    for part in name.split("."):
        inside = [node for node in body if part in _names_bound_by(node)]
        if not inside:
            return False
        body = getattr(inside[0], "body", [])
    return True


def _names_bound_by(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


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
    assert problems(missing_modules) == {}, "name what is there now"


def test_paths_that_documents_name_exist() -> None:
    assert problems(missing_paths) == {}, "name the file, and what it defines, as they are now"


def test_paths_and_programs_in_blocks_exist() -> None:
    assert problems(missing_in_blocks) == {}, "name the file as it is now"


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


def test_a_module_that_does_not_exist_is_seen_in_a_drawing() -> None:
    text = "```\n ▼ route   queues.gone, wire.tables\n```\n```yaml\nwire.gone: 1\n```\n"
    assert missing_modules(text) == ["queues.gone"]


def test_a_path_that_does_not_exist_is_seen() -> None:
    text = (
        "`queues/gone.py` `queues/tail.py::Tail.gone` `queues/tail.py::Tail.append` `wire/gone.py`"
        " `queues/tail` `queues/*.py` `queues/<kind>/queue.py` `docs/gone/` `elsewhere/x.py`"
        " `queues/kinds.py::KINDS`\n"
        "| POST | `queues/gone` | see `queues/away` |"
    )
    assert missing_paths(text) == [
        "queues/gone.py",
        "queues/tail.py::Tail.gone",
        "wire/gone.py",
        "docs/gone/",
        "queues/away",
    ]


def test_a_path_or_program_in_a_block_that_does_not_exist_is_seen() -> None:
    block = "pytest tests/gone.py tests/queues\npython -m tests.gone\npython -m conformance\n"
    assert missing_in_blocks(f"```\n{block}```\n") == ["tests/gone.py", "-m tests.gone"]
