"""Names hold no word that the glossary refuses (docs/GLOSSARY.md, its third column).

A refused word is looked for in what the broker's packages name themselves: modules, classes,
functions, arguments, variables and attributes, also in another form (``entries``, ``flushed``).
What another program, the specification or a library named keeps its name; ``NAMES_OF_OTHERS``
says which and why. The load generator, benchmarks and conformance are programs outside: they have
sessions, and call themselves clients.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.style.test_house import identifiers
from tests.style.tree import module_of, source_files, text_of

GLOSSARY: Final = Path("docs/GLOSSARY.md")
PROGRAMS_OUTSIDE: Final = frozenset({"load_generator", "benchmarks", "conformance"})

NAMES_OF_OTHERS: Final[dict[str, dict[str, str]]] = {
    "ack": {
        "(basic_|method_)?ack": "basic.ack",
        "ack_(range|index|joined|by_holder|from)": "basic.ack, as a client sends it",
        "ack_(frame_bytes|payload_bytes|tag_at)": "basic.ack's layout",
        "ack(s|ed|_said)": "basic.ack, as a confirm is sent",
        "((delivered|got|taken)_)?no_ack(_count)?": "an argument of basic.consume and basic.get",
        "wait_for_acks": "what the acks of basic.ack make room for",
    },
    "block": {"block": "what makes it blocked", "blocks": "of Markdown"},
    "callback": {"callback": "an argument of the loop's call_soon_threadsafe and add_reader"},
    "client": {
        "(to_)?client": "the program outside",
        "client_properties": "an argument of connection.start-ok",
        "client_name(_shown_max_bytes)?": "connection_name of the client's properties",
    },
    "entry": {
        "sub_entr(y|ies)|entries|entr(y|ies)(_counts?|_bytes|_max|_at)": (
            "of a chunk, as the stream protocol calls it"
        ),
    },
    "flush": {"flush": "what logging's handlers and Python's streams call it"},
    "message id": {"_?message_id": "a property of a message, in both AMQPs"},
    "process": {"log_processes": "a switch of logging"},
    "send": {"data_to_send": "what every sans-IO library calls it", "send_at_ms": "of a heartbeat"},
    "subject": {"(certificate_)?subject": "of an X.509 certificate"},
    "sync": {"settled_sync_interval_ms": "a setting: users have it in their files"},
    "task": {"task": "asyncio's"},
    "tick": {
        "consumer_tick_ms": "a setting: users have it in their files",
        "tick": "what sans-IO consensus libraries call it",
    },
    "topic": {
        "topic(_exchange|_trie)?": "the exchange type",
        ".*topic_(permissions(_row)?|key|change|restricted)|(restrict|requires?)s?_topics?": (
            "rights to the routing keys of an exchange of that type, as RabbitMQ calls them"
        ),
    },
    "pending": {"pending_bytes_max": "a setting: users have it in their files"},
}
"""By refused word: the names that hold it all the same (a pattern for the whole name in
snake_case), and why."""

FREE_OF: Final[dict[str, tuple[str, ...]]] = {
    "chunk": ("amqp_server/connections", "amqp_server/wire", "amqp_server/protocol", "exchanges"),
    "offset": ("amqp_server/wire", "exchanges", "queues/classic"),
    "segment": ("amqp_server/wire", "amqp_server/protocol", "exchanges", "queues/classic"),
}
"""Words of logs and streams, and the rooms where a name with them would mean another thing."""

Term = tuple[str, ...]


def snake_case(name: str) -> str:
    """Return a name's words in lower case, parted by one ``_`` each."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return "_".join(filter(None, parted.split("_")))


def terms_in(cell: str) -> list[Term]:
    """Return the terms of a cell of the glossary, without what is said of them in brackets."""
    plain = re.sub(r"\([^)]*\)|\*", "", cell)
    return [tuple(re.findall(r"[a-z]+", term)) for term in re.split(r",|;| or ", plain)]


def rows_of(glossary: str) -> list[tuple[str, str]]:
    """Return word and rivals of each row, as they stand there."""
    rows = [line.split("|") for line in glossary.splitlines() if line.startswith("| ")]
    return [(row[1].strip().lower(), row[3].strip().lower()) for row in rows[1:]]


def own_in(glossary: str) -> set[Term]:
    """Return the glossary's own terms."""
    return {term for word, _ in rows_of(glossary) for term in terms_in(word)}


def refused_in(glossary: str) -> dict[Term, str]:
    """Return each refused term with the glossary's word for it.

    A rival that has a meaning of its own, and so a row, is refused by nobody but a reader.
    """
    own = own_in(glossary)
    refused: dict[Term, str] = {}
    for word, rivals in rows_of(glossary):
        for term in terms_in(rivals):
            if term and term not in own:
                refused.setdefault(term, word)
    return refused


def forms_of(word: str) -> list[str]:
    """Return a word, its plural, and its forms in -ed and -ing."""
    stem = word.removesuffix("e")
    forms = [word, f"{word}s", f"{word}es", f"{stem}ed", f"{stem}ing"]
    return [*forms, f"{word[:-1]}ies", f"{word[:-1]}ied"] if word.endswith("y") else forms


def whole_words(parts: Iterable[str]) -> str:
    """Return the pattern of consecutive words of a name in snake_case."""
    return rf"(?<![a-z]){'_'.join(parts)}(?![a-z])"


OWN: Final = re.compile("|".join(map(whole_words, own_in(text_of(GLOSSARY)))))


@cache
def pattern_of(term: Term) -> re.Pattern[str]:
    """Return what finds a refused term in a name in snake_case."""
    return re.compile(whole_words(f"(?:{'|'.join(forms_of(word))})" for word in term))


def is_of_others(name: str, term: Term) -> bool:
    """Return whether a name, in snake_case, that holds a refused term is not ours to choose."""
    patterns = NAMES_OF_OTHERS.get(" ".join(term), {})
    return any(re.fullmatch(pattern, name) for pattern in patterns)


@cache
def without_own(name: str) -> str:
    """Return a name, in snake_case, without the glossary's own terms."""
    return snake_case(OWN.sub("", name))


def refused_names(names: set[str], refused: dict[Term, str]) -> list[str]:
    """Return the names that hold a refused word, each with the word that the glossary has."""
    return sorted(
        f"{name}: {' '.join(term)} is refused, the glossary has: {word}"
        for name in set(map(snake_case, names))
        if (ours := without_own(name))
        for term, word in refused.items()
        if pattern_of(term).search(ours) and not is_of_others(name, term)
    )


def names_in(path: Path) -> Iterator[str]:
    """Yield what a file names itself: the module, and all that is defined in it."""
    yield path.stem
    yield from identifiers(module_of(path))


def our_files() -> list[Path]:
    """Return the files of the packages that the broker is made of."""
    return [path for path in source_files() if path.parts[0] not in PROGRAMS_OUTSIDE]


def test_names_hold_no_refused_word() -> None:
    refused = refused_in(text_of(GLOSSARY))
    found = {}
    for path in our_files():
        names = set(map(snake_case, names_in(path)))
        found[str(path)] = refused_names(names, refused)
    assert {path: names for path, names in found.items() if names} == {}


def strangers(room: str, names: Iterable[str]) -> list[str]:
    """Return the names of a room that hold a word of logs and streams for another thing."""
    words = [word for word, rooms in FREE_OF.items() if room.startswith(rooms)]
    return sorted(
        name for name in names for word in words if pattern_of((word,)).search(snake_case(name))
    )


def test_words_of_streams_name_nothing_else() -> None:
    found = {str(path): strangers(str(path), names_in(path)) for path in our_files()}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_word_of_streams_is_seen_where_it_means_another_thing() -> None:
    assert strangers("queues/classic/blocked.py", ["Segment", "offsets_of"]) != []
    assert strangers("queues/stream/engine.py", ["Segment", "offsets_of"]) == []
    assert all(Path(room).is_dir() for rooms in FREE_OF.values() for room in rooms)


def test_names_of_others_are_still_there() -> None:
    refused = {" ".join(term) for term in refused_in(text_of(GLOSSARY))}
    assert NAMES_OF_OTHERS.keys() <= refused, "no rival of any word any more"
    names = {snake_case(name) for path in our_files() for name in names_in(path)}
    gone = [
        pattern
        for patterns in NAMES_OF_OTHERS.values()
        for pattern in patterns
        if not any(re.fullmatch(pattern, name) for name in names)
    ]
    assert gone == []


SAMPLE = """
| word | meaning | instead of |
|---|---|---|
| vhost | a name space | virtual host |
| record | one message | entry |
| run | publishes alike | batch (prose only) |
| batch | deliveries | |
| connection, peer | one TCP client | session, client (that is the program outside) |
"""


def test_the_third_column_is_read() -> None:
    assert refused_in(SAMPLE) == {
        ("virtual", "host"): "vhost",
        ("entry",): "record",
        ("session",): "connection, peer",
        ("client",): "connection, peer",
    }


@pytest.mark.parametrize(
    "line",
    [
        "class Entry: ...",
        "class LogEntries: ...",
        "def decode_entry(): ...",
        "def decode(entry): ...",
        "VIRTUAL_HOSTS = {}",
        "self.open_sessions = 0",
        "virtualHost = 1",
    ],
)
def test_a_refused_word_is_seen_wherever_a_name_is_given(line: str) -> None:
    assert refused_names(set(identifiers(ast.parse(line))), refused_in(SAMPLE)) != []


@pytest.mark.parametrize(
    "line",
    ["class Batch: ...", "sentry = 1", "host_virtual = 1", "from a import Entry", "a.entry()"],
)
def test_parts_of_words_and_names_that_are_only_used_are_left_alone(line: str) -> None:
    assert refused_names(set(identifiers(ast.parse(line))), refused_in(SAMPLE)) == []
