"""Every module with logic has a test file of its own name, and every such test file has its module.

``queues/classic/queue.py`` is tested by ``tests/queues/classic/test_queue.py``; where that grew too
long, also by ``test_queue_<aspect>.py`` beside it. ``amqp_server`` is left out of the path, as all
that a client meets is in it: ``tests/wire/test_tables.py``. Its own modules (``app``, ``cli``) are
tested in ``tests/amqp_server``.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.style.tree import SOURCE_PACKAGES, module_of, nodes_of, python_files, source_files

TESTED_AS_A_WHOLE = {
    "conformance": "it is a test itself, and runs against RabbitMQ",
    "benchmarks": "it measures; what it computes with has its tests",
}
"""Packages whose modules need no test file each, and why. A test file still needs its module."""

TESTED_ELSEWHERE: dict[str, str] = {}
"""Modules without a test file of their own, with the file that tests them instead."""

OTHER_TESTS = frozenset(
    {
        "clients",
        "crash",
        "fuzz",
        "hostile",
        "jepsen",
        "properties",
        "scenarios",
        "simulation",
        "spec",
        "style",
        "support",
        "web",
    }
)
"""Folders of tests that go across modules."""


def has_logic(module: ast.Module) -> bool:
    """Return whether any function does something, other than stand for a signature."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_signature(node)
        for node in nodes_of(module)
    )


def _is_signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a body is a docstring or ``...``; keeping arguments as they are is no more."""
    return all(map(_does_nothing, function.body))


def _does_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"))))
        ):
            return True
        case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"))], value=ast.Name()):
            return True
        case _:
            return False


def folder_of_tests(source: Path) -> Path:
    """Return the folder where the tests of a module are."""
    parts = source.parent.parts
    if parts[0] == "amqp_server" and len(parts) > 1:
        parts = parts[1:]
    return Path("tests", *parts)


def files_testing(source: Path, sources: list[Path], tests: list[Path]) -> list[Path]:
    """Return the test files of a module, by name; another module's name is not an aspect."""
    siblings = {path.stem for path in sources if path.parent == source.parent}
    return [
        test
        for test in tests
        if test.parent == folder_of_tests(source)
        and _subject(test.stem.removeprefix("test_"), siblings) == source.stem
    ]


def _subject(name: str, modules: set[str]) -> str | None:
    """Return the module that a test's name begins with: the longest, up to a word's end."""
    words = name.split("_")
    prefixes = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in modules), None)


def modules_to_test() -> list[Path]:
    """Return the modules that need a test file."""
    return [
        path
        for path in source_files()
        if path.name not in {"__init__.py", "__main__.py"}
        and path.parts[0] not in TESTED_AS_A_WHOLE
        and str(path) not in TESTED_ELSEWHERE
        and has_logic(module_of(path))
    ]


def mirroring_tests() -> list[Path]:
    """Return the test files that stand for one module each."""
    return [
        path
        for path in python_files()
        if path.parts[0] == "tests"
        and path.name.startswith("test_")
        and path.parts[1] not in OTHER_TESTS
    ]


def by_folder(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return the files of each folder; a folder that has none has an empty list."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        folders[path.parent].append(path)
    return folders


def test_modules_with_logic_have_their_tests() -> None:
    sources, tests = by_folder(source_files()), by_folder(mirroring_tests())
    missing = [
        str(folder_of_tests(source) / f"test_{source.stem}.py")
        for source in modules_to_test()
        if not files_testing(source, sources[source.parent], tests[folder_of_tests(source)])
    ]
    assert missing == []


def test_test_files_have_their_module() -> None:
    sources, tests = by_folder(source_files()), by_folder(mirroring_tests())
    known = {
        test
        for source in source_files()
        for test in files_testing(source, sources[source.parent], tests[folder_of_tests(source)])
    }
    strangers = [str(test) for test in mirroring_tests() if test not in known]
    assert strangers == [], f"tests across modules belong to one of {sorted(OTHER_TESTS)}"


def test_exemptions_are_still_needed() -> None:
    for source, test in TESTED_ELSEWHERE.items():
        assert Path(source) in source_files(), f"{source} is gone"
        assert Path(test) in python_files(), f"{test} is gone"
    assert set(TESTED_AS_A_WHOLE) <= set(SOURCE_PACKAGES)


def test_a_missing_test_file_is_seen() -> None:
    sources = [Path("queues/topic.py"), Path("queues/topic_trie.py")]
    tests = [Path("tests/queues/test_topic_trie_depth.py")]
    assert files_testing(sources[0], sources, tests) == []
    assert files_testing(sources[1], sources, tests) == tests
    assert files_testing(sources[1], sources, [Path("tests/exchanges/test_topic_trie.py")]) == []


def test_the_tests_of_a_subpackage_leave_amqp_server_out() -> None:
    assert folder_of_tests(Path("amqp_server/wire/tables.py")) == Path("tests/wire")
    assert folder_of_tests(Path("amqp_server/app.py")) == Path("tests/amqp_server")
    assert folder_of_tests(Path("queues/classic/queue.py")) == Path("tests/queues/classic")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Port(Protocol):\n    def call(self) -> int:\n        '''Say.'''", False),
        ("class Port(Protocol):\n    def call(self) -> int: ...", False),
        ("LIMIT = 3", False),
        (
            "def __init__(self, at: int) -> None: super().__init__(at); self.at = at",
            False,
        ),
        ("class Kept:\n    def __init__(self, at: int) -> None:\n        self.at = at + 1", True),
        ("def double(count: int) -> int:\n    '''Say.'''\n    return 2 * count", True),
        ("class Queue:\n    async def run(self) -> None:\n        raise ValueError", True),
    ],
)
def test_only_what_does_something_needs_a_test(source: str, *, expected: bool) -> None:
    assert has_logic(ast.parse(source)) is expected
