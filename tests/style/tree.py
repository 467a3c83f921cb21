"""The files of the repository, as the house rules look at them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_PACKAGES = (
    "amqp_server",
    "exchanges",
    "queues",
    "persistence",
    "cluster",
    "management",
    "load_generator",
    "command_line",
    "conformance",
    "benchmarks",
)
NOT_OURS = frozenset(
    {
        ".git",
        ".hypothesis",
        ".import_linter_cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "haremq-data",
        "haremq.egg-info",
        "node_modules",
        "static",
    }
)
"""Folders that .gitignore names: made by tools, never committed."""


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is ours, relative to the root; the walk does not enter NOT_OURS."""
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in NOT_OURS:
            continue
        if entry.is_dir():
            yield from _walk(entry)
        elif not entry.is_symlink() and not _is_built(entry):
            yield entry.relative_to(ROOT)


def _is_built(entry: Path) -> bool:
    """Whether a kernel's build made it: the C of a ``.pyx`` beside it, or an extension module."""
    return entry.suffix == ".so" or (entry.suffix == ".c" and entry.with_suffix(".pyx").exists())


def text_of(path: Path) -> str:
    """Return the text of a file given relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def python_files() -> list[Path]:
    """Return every Python file, tests and conformance included."""
    return [path for path in files() if path.suffix == ".py"]


def source_files() -> list[Path]:
    """Return the Python files of the packages, without the tests."""
    return [path for path in python_files() if path.parts[0] in SOURCE_PACKAGES]


@cache
def module_of(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file."""
    return ast.parse(text_of(path), str(path))


@cache
def nodes_of(module: ast.Module) -> tuple[ast.AST, ...]:
    """Return all nodes of a syntax tree; a rule more does not walk the repository once more."""
    return tuple(ast.walk(module))
