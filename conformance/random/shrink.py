"""Makes a script small: leaves out steps as long as the fault remains."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrunk(items: Sequence[T], is_bad: Callable[[Sequence[T]], bool], tries_max: int) -> list[T]:
    """Leave out as many items as possible.

    Args:
        items: a sequence that is bad.
        is_bad: returns whether a part of it, in the same order, is still bad.
        tries_max: most calls of ``is_bad``; after them the best part so far is returned.

    Returns:
        A bad part. If the tries were enough, it is no longer bad without any one of its items.
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
