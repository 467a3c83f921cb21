"""The text format of Prometheus, version 0.0.4.

# HELP name words
# TYPE name counter
name{label="value"} 12
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from management.metrics.family import Group, Item, Number

CONTENT_TYPE: Final = "text/plain; version=0.0.4"

STRETCH: Final = 100
"""Samples between two looks at the time: some tens of microseconds."""

_ESCAPED: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_ESCAPED_IN_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def labels(**values: str) -> str:
    """Return labels in braces, in this order."""
    return "{" + ",".join([f'{name}="{escaped(value)}"' for name, value in values.items()]) + "}"


def escaped(value: str) -> str:
    """Return the value of a label as it stands between quotation marks."""
    return value.translate(_ESCAPED)


def written(group: Group, prefix: str) -> Iterator[str]:
    """Yield the lines of a group, a stretch at a time.

    Args:
        group: of families.
        prefix: of the endpoint.
    """
    prefix = prefix if group.prefix is None else group.prefix
    for family in group.families:
        name = prefix + family.name
        yield f"# HELP {name} {family.help.translate(_ESCAPED_IN_HELP)}\n"
        yield f"# TYPE {name} {family.type}\n"
        for start in range(0, len(group.items), STRETCH):
            yield _lines(name, family.pick, group, group.items[start : start + STRETCH])


def _lines(
    name: str, pick: Callable[[Any], Number | None], group: Group, items: Sequence[Item]
) -> str:
    key_of = group.key_of
    if key_of is None:
        values = [(key, pick(thing)) for key, thing in items]
    else:
        values = [(key_of(item), pick(item[1])) for item in items]
    return "".join([f"{name}{key} {value}\n" for key, value in values if value is not None])
