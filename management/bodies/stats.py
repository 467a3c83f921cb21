"""Numbers with their details as JSON: ``message_stats``, lengths, traffic."""

from datetime import UTC, datetime
from typing import Any, Final

from management.lists.columns import Wanted, wants
from management.lists.ranges import Range
from management.samples.details import MS_PER_S, Looks, Numbers, details
from management.samples.history import History
from management.samples.series import Series

NO_ERLANG: Final = {
    "garbage_collection": {
        "fullsweep_after": 0,
        "max_heap_size": 0,
        "min_bin_vheap_size": 0,
        "min_heap_size": 0,
        "minor_gcs": 0,
    },
    "reductions": 0,
    "reductions_details": {"rate": 0.0},
}
"""What RabbitMQ says of an Erlang process. Here is none; clients of strict types read this."""


def idle_since(numbers: History | None, looks: Looks) -> dict[str, str]:
    """Return since when nothing has changed; empty as long as something does.

    Args:
        numbers: over time; None is a thing that was not looked at yet.
        looks: when it was looked at.
    """
    if numbers is None or (numbers.changed_ms == looks.last_ms != looks.before_ms):
        return {}
    wall_s = (numbers.changed_ms + looks.wall_offset_ms) / MS_PER_S
    return {"idle_since": datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds")}


def wanted_of(shown: Series, wanted: Wanted) -> Series:
    """Return those numbers of which the value or the details are wanted."""
    if wanted is None:
        return shown
    return {
        name: places for name, places in shown.items() if wants(wanted, (name, f"{name}_details"))
    }


def with_details(
    numbers: Numbers | None,
    shown: Series,
    looks: Looks,
    wanted: Range | None = None,
    now: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Return the numbers of a thing, each with its details.

    Args:
        numbers: over time; None is a thing that was not looked at yet.
        shown: names, and the places of the numbers that each is the sum of.
        looks: when it was looked at.
        wanted: samples; None is without.
        now: the numbers as they are now; None shows those of the last look.
    """
    body: dict[str, Any] = {}
    for name, places in shown.items():
        if now is not None:
            body[name] = sum([now[place] for place in places])
        else:
            body[name] = sum([_last(numbers, place, looks) for place in places])
        body[f"{name}_details"] = details(numbers, places, looks, wanted)
    return body


def _last(numbers: Numbers | None, place: int, looks: Looks) -> int:
    return 0 if numbers is None else numbers.at(place, looks.last_ms)
