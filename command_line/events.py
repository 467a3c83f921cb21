"""Server-sent events of the HTTP API: the objects that they hold, as they come."""

import json
from collections.abc import Iterable, Iterator

from command_line.api import Thing


def events(lines: Iterable[str]) -> Iterator[Thing]:
    """Yield the JSON objects of events; comments, and data that is no object, are left out."""
    data: list[str] = []
    for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            found = _object("\n".join(data))
            data = []
            if found is not None:
                yield found


def _object(text: str) -> Thing | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
