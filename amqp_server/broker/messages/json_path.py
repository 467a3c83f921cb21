"""Reads JSONPaths, and tests of them, as people type them; RFC 9535 without its functions.

    $.total > 100 && $.customer.id == "kestrel"        comparisons of paths and values
    $.items[?@.price >= 10]                            a path that leads anywhere
    !($..error) || $.tags[0, -1] == 'late'

It is our own: libraries for Python evaluate without a bound on steps, and some by ``eval``. Names,
quotes and numbers are cut by patterns without nesting, and brackets have a limit.
"""

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn, TypeAlias

LETTERS_MAX: Final = 500
DEPTH_MAX: Final = 20

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,3})?")
_SIGN: Final = re.compile(r"==|!=|<=|>=|<|>")
_WORD: Final = re.compile(r"(?:true|false|null)\b")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None}


class PathError(ValueError):
    """What was typed is no JSONPath; the place counts letters from 1."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(f"{what} at letter {at + 1} of the JSONPath")


class Name(NamedTuple):
    """The value of an object under this name."""

    name: str


class Index(NamedTuple):
    """A value of a list; negative counts from its end."""

    at: int


class Cut(NamedTuple):
    """Some values of a list, as a slice of Python's."""

    start: int | None
    stop: int | None
    step: int


class All(NamedTuple):
    """All values of an object or a list."""


class Filtered(NamedTuple):
    """Those of them for which a test holds."""

    test: "Test"


Selector: TypeAlias = Name | Index | Cut | All | Filtered


class Segment(NamedTuple):
    """A step from values to values of them; ``is_deep``: of all that are inside, too."""

    is_deep: bool
    selectors: tuple[Selector, ...]


class Path(NamedTuple):
    """A path from the whole body, or from the value that a filter looks at."""

    from_root: bool
    segments: tuple[Segment, ...]


class Literal(NamedTuple):
    """A value that was typed."""

    value: object


Operand: TypeAlias = Path | Literal


class Exists(NamedTuple):
    """A path leads anywhere."""

    path: Path


class Compared(NamedTuple):
    """Any value of one side compares so with any of the other."""

    sign: str
    left: Operand
    right: Operand


class Not(NamedTuple):
    """A test does not hold."""

    test: "Test"


class Joined(NamedTuple):
    """All tests hold, or any of them does."""

    are_all: bool
    tests: tuple["Test", ...]


Test: TypeAlias = Exists | Compared | Not | Joined


def parse_test(text: str) -> Test:
    """Read what has to hold for a body.

    Raises:
        PathError: it is none.
    """
    reader = _Reader(text)
    test = reader.any_of(0)
    reader.end()
    return test


class _Reader:
    """Reads from the left to the right."""

    def __init__(self, text: str) -> None:
        if len(text) > LETTERS_MAX:
            raise PathError(f"More than {LETTERS_MAX} letters", LETTERS_MAX)
        self._text = text
        self._at = 0

    def end(self) -> None:
        self._match(_SPACE)
        if self._at < len(self._text):
            self._fail(f"Not expected: {self._text[self._at]}")

    def any_of(self, depth: int) -> Test:
        return self._joined("||", lambda: self._joined("&&", lambda: self._unary(depth)))

    def _joined(self, sign: str, part: Callable[[], Test]) -> Test:
        tests = [part()]
        while self._take(sign):
            tests.append(part())
        return tests[0] if len(tests) == 1 else Joined(sign == "&&", tuple(tests))

    def _unary(self, depth: int) -> Test:
        if depth > DEPTH_MAX:
            self._fail("Too many brackets")
        self._match(_SPACE)
        if self._next() == "!" and not self._text.startswith("!=", self._at):
            self._at += 1
            return Not(self._unary(depth + 1))
        if self._take("("):
            test = self.any_of(depth + 1)
            self._need(")")
            return test
        return self._comparison(depth)

    def _comparison(self, depth: int) -> Test:
        left = self._operand(depth)
        self._match(_SPACE)
        sign = self._match(_SIGN)
        if sign:
            return Compared(sign, left, self._operand(depth))
        if isinstance(left, Path):
            return Exists(left)
        return self._fail("Expected a comparison")

    def _operand(self, depth: int) -> Operand:
        self._match(_SPACE)
        first = self._next()
        if first in {"$", "@"}:
            self._at += 1
            return Path(first == "$", tuple(self._segments(depth)))
        word = self._match(_WORD)
        if word:
            return Literal(_WORDS[word])
        if first in {'"', "'"}:
            return Literal(self._quoted())
        number = self._match(_NUMBER)
        if not number:
            self._fail("Expected a path, a text in quotes, a number, true, false or null")
        return Literal(float(number) if set(number) & set(".eE") else int(number))

    def _segments(self, depth: int) -> list[Segment]:
        segments: list[Segment] = []
        while True:
            is_deep = self._text.startswith("..", self._at)
            if is_deep:
                self._at += 2
            elif self._next() == ".":
                self._at += 1
            elif self._next() != "[":
                return segments
            elif not is_deep:
                segments.append(Segment(is_deep=False, selectors=self._bracketed(depth)))
                continue
            selectors = self._bracketed(depth) if self._next() == "[" else (self._dotted(),)
            segments.append(Segment(is_deep, selectors))

    def _dotted(self) -> Selector:
        if self._next() == "*":
            self._at += 1
            return All()
        name = self._match(_NAME)
        return Name(name) if name else self._fail("Expected a name")

    def _bracketed(self, depth: int) -> tuple[Selector, ...]:
        self._need("[")
        selectors = [self._selector(depth)]
        while self._take(","):
            selectors.append(self._selector(depth))
        self._need("]")
        return tuple(selectors)

    def _selector(self, depth: int) -> Selector:
        self._match(_SPACE)
        if self._next() in {'"', "'"}:
            return Name(self._quoted())
        if self._take("*"):
            return All()
        if self._take("?"):
            return Filtered(self.any_of(depth + 1))
        start = self._integer()
        if not self._take(":"):
            if start is None:
                self._fail("Expected a name in quotes, a number, * or ?")
            return Index(start)
        stop = self._integer()
        step = self._integer() if self._take(":") else None
        return Cut(start, stop, 1 if step is None else step)

    def _integer(self) -> int | None:
        self._match(_SPACE)
        digits = self._match(_INTEGER)
        return int(digits) if digits else None

    def _quoted(self) -> str:
        at = self._at
        whole = self._match(_QUOTED)
        if not whole:
            self._fail("A text has no end")
        inside = whole[1:-1]
        if whole[0] == "'":
            inside = inside.replace("\\'", "'").replace('"', '\\"')
        try:
            return str(json.loads(f'"{inside}"'))
        except ValueError:
            raise PathError("A text has an escape that JSON does not know", at) from None

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found.group()

    def _take(self, sign: str) -> bool:
        self._match(_SPACE)
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._fail(f"Expected {sign}")

    def _fail(self, what: str) -> NoReturn:
        raise PathError(what, self._at)
