"""Makes a script small: steps are left out for as long as what is wrong with it stays."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrunk(items: Sequence[T], is_bad: Callable[[Sequence[T]], bool], tries_max: int) -> list[T]:
    """Leave out as much as can be left out.

    Args:
        items: a sequence that is bad.
        is_bad: whether a part of it, in the same order, still is.
        tries_max: how often to ask; what was found until then is returned.

    Returns:
        A bad part; when the tries sufficed, none of its items can be left out alone.
    """
    kept = list(items)
    tries = 0
    size = max(len(kept) // 2, 1)
    while kept:
        start, shorter = 0, False
        while start < len(kept):
            part = kept[:start] + kept[start + size :]
            if tries >= tries_max:
                return kept
            tries += 1
            if is_bad(part):
                kept, shorter = part, True
            else:
                start += size
        if size == 1 and not shorter:
            break
        size = max(size // 2, 1)
    return kept
