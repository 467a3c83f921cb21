"""Numbers with their details as JSON: ``message_stats``, lengths, traffic."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from management.lists.columns import Wanted, wants
from management.lists.ranges import Range
from management.samples.details import MS_PER_S, Looks, Numbers, details, growth_of, rate_in
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


_IDLE: Final[dict[str, Any]] = {"rate": 0.0}
"""The details of a number that does not change: one for all, because nobody changes it."""


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
    now: Sequence[int] | Mapping[int, int] | None = None,
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
    if now is None:
        now = _last_of(numbers, shown, looks)
    grown = growth_of(numbers, looks)
    for name, places in shown.items():
        body[name] = now[places[0]] if len(places) == 1 else sum([now[place] for place in places])
        if wanted is not None:
            shown_details = details(numbers, places, looks, wanted)
        elif grown is None:
            shown_details = _IDLE
        else:
            shown_details = {"rate": rate_in(grown, places, looks)}
        body[f"{name}_details"] = shown_details
    return body


def _last_of(numbers: Numbers | None, shown: Series, looks: Looks) -> Mapping[int, int]:
    """Return the numbers of the last look, by their places."""
    places = {place for each in shown.values() for place in each}
    if numbers is None:
        return dict.fromkeys(places, 0)
    return {place: numbers.at(place, looks.last_ms) for place in places}
