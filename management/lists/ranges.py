"""The parameters that ask for samples: ``lengths_age`` and ``lengths_incr`` and their like.

Source: RabbitMQ 3.10, recorded answers. If one of a pair is missing or is no integer, there are no
samples. The word of the error differs from route to route.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from management.http.errors import HttpError, bad_request
from management.http.request import Query

SAMPLES_MAX: Final = 500
"""Samples of one counter in an answer, and one more."""


class Range(NamedTuple):
    """Which samples an answer has.

    Attributes:
        age_s: of the oldest.
        incr_s: between two of them.
    """

    age_s: int
    incr_s: int

    @property
    def samples_count(self) -> int:
        """How many samples there are."""
        return self.age_s // self.incr_s + 1


class Ranges(NamedTuple):
    """The ranges of a request; None is without samples."""

    lengths: Range | None = None
    msg_rates: Range | None = None
    data_rates: Range | None = None
    node_stats: Range | None = None


NO_RANGES: Final = Ranges()


def ranges_of(query: Query, error: str = "bad_request") -> Ranges:
    """Return the ranges of a request.

    Args:
        query: of the request.
        error: the word for a wrong one.

    Raises:
        HttpError: 400, one of them makes no sense, or has too many samples.
    """

    def refused(reason: str) -> HttpError:
        return bad_request(reason, error)

    return Ranges(*(_range(query, name, refused) for name in Ranges._fields))


def _range(query: Query, name: str, refused: Callable[[str], HttpError]) -> Range | None:
    age_s, incr_s = (_integer(query.get(f"{name}_{end}")) for end in ("age", "incr"))
    if age_s is None or incr_s is None:
        return None
    if age_s <= 0 or incr_s <= 0 or age_s // incr_s > SAMPLES_MAX:
        raise refused(f"Invalid range parameters: age {age_s}, incr {incr_s}")
    return Range(age_s, incr_s)


def _integer(text: str | None) -> int | None:
    if text is None or not text.lstrip("-").isascii() or not text.lstrip("-").isdigit():
        return None
    try:
        return int(text)
    except ValueError:  # more than one sign, or more digits than Python reads
        return None
