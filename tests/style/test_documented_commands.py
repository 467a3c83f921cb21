"""Commands in documents can be typed: programs, options, targets of make and variables exist."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from amqp_server.cli import haremq
from tests.style.tree import ROOT, files, text_of

CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
HAREMQ = re.compile(r"(?:(?:\.venv/bin/)?haremq|python -m amqp_server) ([a-z][a-z-]*)(.*)")
PROGRAM = re.compile(r"python3? -m (\w+(?:\.\w+)*)((?: +[^\s#|>]+)*)")
MAKE = re.compile(r"^make ([a-z]+(?:-[a-z]+)*)\b")
VARIABLE = re.compile(r"\b([A-Z][A-Z_]{3,})=\d")
OPTION = re.compile(r"(?<!\S)(--?[a-z][a-z-]*)")

OUR_FOLDERS = frozenset(path.parts[0] for path in files() if len(path.parts) > 1)


def lines_of_code(text: str) -> Iterator[str]:
    """Yield the lines of the blocks, and the spans of code, of a document."""
    for block, span in CODE.findall(text):
        yield from (line.strip() for line in (block or span).splitlines())


def unknown_to_haremq(line: str) -> list[str]:
    """Return the subcommand or the options of a ``haremq`` that it does not have."""
    begin = HAREMQ.match(line)
    if begin is None:
        return []
    name, rest = begin.groups()
    command = haremq.get_command(click.Context(haremq), name)
    if command is None:
        return [f"haremq {name}"]
    words = re.split(r" [#|>;]", rest)[0].split()
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        name = f"{name} {words[0]}"
        command = command.get_command(click.Context(command), words.pop(0))
        if command is None:
            return [f"haremq {name}"]
    if name == "as":
        return []  # the options are those of the tool
    parameters = command.get_params(click.Context(command))
    known = {option for parameter in parameters for option in parameter.opts}
    return [option for option in options_in(rest) if option not in {*known, "--help"}]


def options_in(text: str) -> list[str]:
    """Return the options of a command line, up to a comment or another command."""
    return OPTION.findall(re.split(r" [#|>;]", text)[0])


def unknown_to_programs(line: str) -> list[str]:
    """Return the options that the source of a ``python -m`` of ours does not name."""
    found: list[str] = []
    for name, rest in PROGRAM.findall(line):
        if name.partition(".")[0] in OUR_FOLDERS and name != "amqp_server":
            source = source_of(name)
            found += [option for option in options_in(rest) if f'"{option}"' not in source]
    return found


def source_of(name: str) -> str:
    """Return the source of a module, or of all modules in a package."""
    path = ROOT / name.replace(".", "/")
    modules = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return "\n".join(module.read_text(encoding="utf-8") for module in modules)


def unknown_targets(line: str, makefile: str) -> list[str]:
    """Return the targets of ``make`` that the Makefile does not have."""
    return [
        name for name in MAKE.findall(line) if not re.search(rf"^{name}:", makefile, re.MULTILINE)
    ]


def unknown_variables(line: str, readers: Iterable[str]) -> list[str]:
    """Return the variables given a number that nothing reads."""
    return [name for name in VARIABLE.findall(line) if not any(name in text for text in readers)]


def problems_in(text: str) -> list[str]:
    """Return everything in the commands of a document that does not exist."""
    makefile = text_of(Path("Makefile"))
    readers = [makefile, text_of(Path("persistence/kernels.py"))]
    found: list[str] = []
    for line in lines_of_code(text):
        found += unknown_to_haremq(line)
        found += unknown_to_programs(line)
        found += unknown_targets(line, makefile)
        found += unknown_variables(line, readers)
    return found


def test_commands_in_documents_can_be_typed() -> None:
    documents = {str(path): text_of(path) for path in files() if path.suffix == ".md"}
    assert {path: found for path, text in documents.items() if (found := problems_in(text))} == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("haremq stop", "haremq stop"),
        ("haremq queues lst", "haremq queues lst"),
        ("haremq queue list --daemon", "--daemon"),
        ("haremq start --daemon", "--daemon"),
        ("python -m amqp_server explain-config --html", "--html"),
        ("python -m conformance --against 3.10  # --uri", "--against"),
        ("python -m tests.crash.states --forever", "--forever"),
        ("make coffee", "coffee"),
        ("make fuzz  # FUZZ_MINUTES=10", "FUZZ_MINUTES"),
    ],
)
def test_what_cannot_be_typed_is_seen(line: str, found: str) -> None:
    assert problems_in(f"```\n{line}\n```\n") == [found]
    assert problems_in(f"Text with `{line}` in it.") == [found]


def test_what_can_be_typed_is_left_alone() -> None:
    for line in (
        ".venv/bin/haremq start --config haremq.yaml --port 5673",
        "haremq perf -x 50 --latency --help",
        "haremq queues list -o json --limit 5",
        "haremq as rabbitmqctl list_queues --formatter json",
        "python -m conformance --random 1 --seeds 20 --rabbitmq",
        "python -m http.server --bind 127.0.0.1",
        "FUZZ_SECONDS=600 make fuzz",
    ):
        assert problems_in(f"`{line}`") == []
