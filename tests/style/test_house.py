"""The rules of the house that no linter knows: sizes, docstrings, names, words left behind.

Each rule is a function from a sample to the list of what is wrong with it. One test applies it to
the tree, and one feeds it a bad sample, so that no rule holds only because it looks at nothing.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.style.tree import files, module_of, nodes_of, python_files, source_files, text_of

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

BANNED_WORDS = frozenset(
    {
        "blacklist",
        "common",
        "helper",
        "helpers",
        "impl",
        "manager",
        "master",
        "misc",
        "slave",
        "stuff",
        "util",
        "utils",
        "whitelist",
    }
)
"""Words that say nothing, or that the field has replaced (docs/GLOSSARY.md)."""

BANNED_CLASS_PREFIXES = ("abstract", "base")
"""A port is named for what it is, and a class for what it does, not for being inherited from."""

WORDS_OF_OTHERS = ("common_name", "base_exception", "master_locator")
"""Terms that hold a banned word and are somebody else's: X.509's, Python's, RabbitMQ's."""

CLIENT_PROGRAMS = Path("tests/clients")
"""Programs written as a library's users write them call things what the library calls them."""

UNFINISHED = re.compile(r"\b(?:FIXME|TODO|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|tmp|opt|Users|home/\w+)/")
REGISTRY_HOST = re.compile(
    r"registry\.\w+\.(?:org|com)|pypi\.org|pythonhosted|artifactory|proxy\.golang"
    r"|\"resolved\": \"http"
)
NUMBERED_ROW = re.compile(r"\b[Rr]ows? \d+\b|\btest_rows?_\d+")
"""A row of a table that a reader of this repository does not have."""

THE_RULES_THEMSELVES = Path("tests/style")


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes_of(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long_functions(module: ast.Module) -> list[str]:
    """Name the functions over the limit, counted from their first decorator to their last line."""
    too_long = []
    for function in _functions(module):
        first_line = min([function.lineno, *[node.lineno for node in function.decorator_list]])
        lines = (function.end_lineno or function.lineno) - first_line + 1
        if lines > FUNCTION_LINES_MAX:
            too_long.append(f"{function.name} has {lines} lines")
    return too_long


def identifiers(module: ast.Module) -> Iterator[str]:
    """Yield every name that the module itself gives: not those that it imports or uses."""
    for node in nodes_of(module):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case _:
                continue


def words(identifier: str) -> list[str]:
    """Split snake_case and CamelCase into lower-case words, leaving the terms of others out."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier).lower()
    for term in WORDS_OF_OTHERS:
        snake = re.sub(rf"(?<![a-z]){term}s?(?![a-z])", "", snake)
    return [word for word in snake.split("_") if word]


def banned_names(module: ast.Module) -> list[str]:
    """Name the identifiers that hold a banned word, and the classes named for a place in a tree."""
    named = {name for name in identifiers(module) if BANNED_WORDS & set(words(name))}
    classes = {node.name for node in nodes_of(module) if isinstance(node, ast.ClassDef)}
    named |= {
        name for name in classes if words(name)[:1] and words(name)[0] in BANNED_CLASS_PREFIXES
    }
    return sorted(named)


def left_behind(text: str) -> list[str]:
    """Return the marks of unfinished work, machine paths, registry hosts and numbers of rows."""
    rules = (UNFINISHED, MACHINE_PATH, REGISTRY_HOST, NUMBERED_ROW)
    return [match.group() for rule in rules for match in rule.finditer(text)]


def problems(
    paths: Iterable[Path], rule: Callable[[ast.Module], list[str]]
) -> dict[str, list[str]]:
    """Return what a rule finds, by file; files without a finding are left out."""
    return {str(path): found for path in paths if (found := rule(module_of(path)))}


def too_long_files(lines: Mapping[str, int]) -> list[str]:
    """Name the files over the limit."""
    return [
        f"{path} has {count} lines, of {FILE_LINES_MAX}: cut it by idea"
        for path, count in lines.items()
        if count > FILE_LINES_MAX
    ]


def test_files_are_short() -> None:
    lines = {str(path): text_of(path).count("\n") for path in python_files()}
    assert too_long_files(lines) == []


def test_a_file_of_401_lines_is_seen() -> None:
    assert len(too_long_files({"new.py": 400, "old.py": 401})) == 1


def test_source_says_what_it_is_for() -> None:
    assert [str(path) for path in source_files() if not ast.get_docstring(module_of(path))] == []


def test_a_function_fits_a_screen() -> None:
    assert problems(python_files(), too_long_functions) == {}


def test_names_are_the_fields_own() -> None:
    ours = [path for path in python_files() if CLIENT_PROGRAMS not in path.parents]
    assert problems(ours, banned_names) == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {str(path): [*words(path.stem), *path.parent.parts] for path in source_files()}
    assert {path: name for path, name in names.items() if BANNED_WORDS & set(name)} == {}


def test_nothing_is_left_behind() -> None:
    found = {
        str(path): marks
        for path in files()
        if THE_RULES_THEMSELVES not in path.parents and (marks := left_behind(text_of(path)))
    }
    assert found == {}


def test_the_rules_look_at_the_tree() -> None:
    assert Path("amqp_server/__init__.py") in source_files()
    assert Path("tests/style/test_house.py") in python_files()
    assert Path(".ci/run") in files()


def test_a_function_of_61_lines_is_seen() -> None:
    long = "@decorated\ndef long():\n" + "    step()\n" * (FUNCTION_LINES_MAX - 1)
    assert too_long_functions(ast.parse(long)) == ["long has 61 lines"]
    assert too_long_functions(ast.parse(long.removeprefix("@decorated\n"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "class QueueManager: ...",
        "class BaseQueue: ...",
        "class _AbstractQueue: ...",
        "def parse_utils(): ...",
        "def parse(misc): ...",
        "masterNode = 1",
        "self.slave_count = 0",
        "for helper in things: pass",
        "async def impl(): ...",
    ],
)
def test_a_banned_word_is_seen_wherever_a_name_is_given(line: str) -> None:
    assert banned_names(ast.parse(line)) != []


@pytest.mark.parametrize(
    "line",
    [
        "from contextlib import AbstractContextManager",
        "certificate_common_name = names.common_name",
        "password_base64 = encode(salt)",
        "database = {}",
        "commonest = max(counts)",
        "for base in type(error).__mro__: pass",
        "class Base64Reader: ...",
    ],
)
def test_names_of_others_are_left_alone(line: str) -> None:
    assert banned_names(ast.parse(line)) == []


@pytest.mark.parametrize(
    "text",
    [
        "# TODO: later",
        "# FIXME",
        "see /work/notes.md",
        "open('/home/anna/haremq.yaml')",
        "log in /tmp/out.txt",
        '"resolved": "https://example.org/package.tgz"',
        "pip install -i https://pypi.org/simple",
        "Rows 26-31: tables",
        "def test_row_12_a_frame() -> None:",
    ],
)
def test_what_is_left_behind_is_seen(text: str) -> None:
    assert left_behind(text) != []


@pytest.mark.parametrize(
    "text", ["amqp://host/work/", "/usr/lib/rabbitmq/bin", "todo lists", "a row"]
)
def test_what_belongs_here_is_left_alone(text: str) -> None:
    assert left_behind(text) == []
