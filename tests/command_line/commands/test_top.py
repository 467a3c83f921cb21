"""``haremq top``."""

from command_line.leaf import CLEAR
from tests.support.typed_commands import Typed


def test_it_looks_again_and_again(typed: Typed) -> None:
    typed("queues", "declare", "busy")
    typed("publish", "busy", "x")
    said = typed("top", "--looks", "3", "--interval", "2", "--sort", "messages")
    assert (said.status, typed.naps) == (0, [2.0, 2.0])
    assert (said.out.count("busy"), said.out.count("ready,")) == (3, 3)
    assert CLEAR not in said.out


def test_a_terminal_is_cleared_and_not_driven(typed: Typed) -> None:
    typed("queues", "declare", "\x1b[31m")
    said = typed("top", "--looks", "1", is_terminal=True)
    assert said.out.startswith(CLEAR)
    assert "\x1b[31m" not in said.out
