"""Whether a test of JSONPaths holds for a body, within a limit of octets and of steps.

A path with several values holds if any of them does: what one types by hand means that.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from amqp_server.broker.messages.json_path import (
    All,
    Compared,
    Cut,
    Exists,
    Filtered,
    Index,
    Joined,
    Name,
    Not,
    Operand,
    Path,
    Segment,
    Selector,
    Test,
    parse_test,
)

BODY_BYTES_MAX: Final = 65_536
"""A longer body, packed or not, is not looked into: to read so much takes a millisecond."""

STEPS_MAX: Final = 4_000
"""Values that one test looks at, about two milliseconds."""

VALUES_A_STEP: Final = 20
"""Values are compared as a whole where they are lists or objects: a step for so many letters."""

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31


class _TooLongError(Exception):
    """The test takes too many steps."""


class JsonTest:
    """A test that was typed; equal only to itself.

    Attributes:
        text: as it was typed.
    """

    __slots__ = ("_test", "text")

    def __init__(self, text: str) -> None:
        """Read it.

        Raises:
            PathError: it is none.
        """
        self.text = text
        self._test = parse_test(text)

    def holds_in(self, body: bytes | memoryview) -> bool | None:
        """Return whether it holds; None cannot be told: no JSON, or too much of it."""
        try:
            octets = _unpacked(bytes(body[: BODY_BYTES_MAX + 1]))
            if len(octets) > BODY_BYTES_MAX:
                return None
            value = json.loads(octets, parse_constant=_refuse)
            return _Evaluation(value).holds(self._test, value)
        except (ValueError, RecursionError, zlib.error, _TooLongError):
            return None


def _unpacked(octets: bytes) -> bytes:
    """Return what is in a gzip, as much as counts; other octets as they are."""
    if not octets.startswith(_GZIP):
        return octets
    return zlib.decompressobj(_GZIP_WINDOW).decompress(octets, BODY_BYTES_MAX + 1)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"JSON has no {constant}")


class _Evaluation:
    def __init__(self, root: object) -> None:
        self._root = root
        self._left = STEPS_MAX

    def holds(self, test: Test, here: object) -> bool:
        self._step()
        match test:
            case Exists(path):
                return len(self._values(path, here)) > 0
            case Not(inner):
                return not self.holds(inner, here)
            case Joined(are_all, tests):
                holding = (self.holds(one, here) for one in tests)
                return all(holding) if are_all else any(holding)
            case Compared(sign, left, right):
                lefts, rights = self._operands(left, here), self._operands(right, here)
                return any(self._is_true(sign, one, other) for one in lefts for other in rights)

    def _operands(self, operand: Operand, here: object) -> Sequence[object]:
        return self._values(operand, here) if isinstance(operand, Path) else (operand.value,)

    def _values(self, path: Path, here: object) -> list[object]:
        values = [self._root if path.from_root else here]
        for segment in path.segments:
            values = self._behind(segment, values)
        return values

    def _behind(self, segment: Segment, values: list[object]) -> list[object]:
        found: list[object] = []
        for value in self._with_all_inside(values) if segment.is_deep else values:
            for selector in segment.selectors:
                found += self._selected(selector, value)
        return found

    def _selected(self, selector: Selector, value: object) -> Iterable[object]:
        self._step()
        match selector:
            case Name(name):
                return (value[name],) if isinstance(value, dict) and name in value else ()
            case Index(index):
                is_there = isinstance(value, list) and -len(value) <= index < len(value)
                return (value[index],) if is_there and isinstance(value, list) else ()
            case Cut(start, stop, step):
                chosen = value[start:stop:step] if isinstance(value, list) and step else []
                self._step(len(chosen))
                return chosen
            case All():
                return self._inside(value)
            case Filtered(test):
                return [inner for inner in self._inside(value) if self.holds(test, inner)]

    def _inside(self, value: object) -> Sequence[object]:
        inside = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(inside, list):
            return ()
        self._step(len(inside))
        return inside

    def _with_all_inside(self, values: list[object]) -> list[object]:
        """Return values and all inside of them, in the order of the body; without recursion."""
        found: list[object] = []
        waiting = values[::-1]
        while waiting:
            self._step()
            value = waiting.pop()
            found.append(value)
            waiting += self._inside(value)[::-1]
        return found

    def _is_true(self, sign: str, left: object, right: object) -> bool:
        self._step()
        if sign in {"==", "!="}:
            return self._is_same(left, right) is (sign == "==")
        if isinstance(left, str) and isinstance(right, str):
            return _ordered(sign, left < right, left == right)
        if _is_number(left) and _is_number(right):
            return _ordered(sign, left < right, left == right)  # type: ignore[operator]
        return sign in {"<=", ">="} and self._is_same(left, right)

    def _is_same(self, left: object, right: object) -> bool:
        if _is_number(left) and _is_number(right):
            return left == right
        if type(left) is not type(right):
            return False
        if isinstance(left, dict | list):
            text = json.dumps(left)
            self._step(len(text) // VALUES_A_STEP)
            return text == json.dumps(right)
        return left == right

    def _step(self, count: int = 1) -> None:
        self._left -= count
        if self._left < 0:
            raise _TooLongError


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(sign: str, is_less: bool, is_equal: bool) -> bool:  # noqa: FBT001 -- two facts
    if sign[0] == "<":
        return is_less or (is_equal and sign == "<=")
    return not is_less and (not is_equal or sign == ">=")
