"""Numbers with their details as JSON: ``message_stats``, lengths, traffic."""

from typing import Any

from management.lists.ranges import Range
from management.samples.details import Looks, Numbers, details
from management.samples.series import Series


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
