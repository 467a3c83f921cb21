"""Pages of lists: ``page``, ``page_size``, ``name`` and ``use_regex``.

    {"filtered_count", "item_count", "items", "page", "page_count", "page_size", "total_count"}

Only ``page`` turns pages on. Source: RabbitMQ 3.10, recorded answers.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from amqp_server.broker.views import PatternError, compile_pattern
from management.http.errors import HttpError, bad_request
from management.http.request import Query, whole_number

PAGE_SIZE: Final = 100
PAGE_SIZE_MAX: Final = 500
PATTERN_CHARACTERS_MAX: Final = 1_024
DIGITS_MAX: Final = 1_000
"""Of the number of a page. RabbitMQ takes any, and says that there is no such page."""

INVALID: Final = "Pagination parameters are invalid"


class PageWanted(NamedTuple):
    """The page that a request asks for.

    Attributes:
        number: from 1.
        size: most items of it.
        matches: whether a thing of this name is among those that are paged; None is all.
        is_pattern: whether it may take long to tell that.
    """

    number: int
    size: int
    matches: Callable[[str], bool] | None
    is_pattern: bool = False

    @property
    def start(self) -> int:
        """Index of its first item."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        """Index behind its last item."""
        return self.number * self.size

    def check(self, count: int) -> None:
        """Refuse a page that lies behind the end of so many items.

        Raises:
            HttpError: 400.
        """
        if self.start > count:
            raise bad_request(
                f"Page out of range, page: {self.number} page size: {self.size}, len: {count}",
                "page_out_of_range",
            )

    def envelope(
        self, items: Sequence[object], filtered_count: int, total_count: int
    ) -> dict[str, object]:
        """Return the page as an object."""
        return {
            "filtered_count": filtered_count,
            "item_count": len(items),
            "items": items,
            "page": self.number,
            "page_count": -(-filtered_count // self.size),
            "page_size": self.size,
            "total_count": total_count,
        }


def page_wanted(query: Query) -> PageWanted | None:
    """Return the page that a request asks for; None is the whole list.

    Raises:
        HttpError: 400.
    """
    page, given = query.get("page"), query.get("page_size")
    number = None if page is None else _integer(page)
    # A size that is no number is refused even where there are no pages.
    size = PAGE_SIZE if given is None else _integer(given)
    if number is None:
        return None
    if number < 1 or not 1 <= size <= PAGE_SIZE_MAX:
        shown = "undefined" if given is None else size
        raise bad_request(
            f"Invalid pagination parameters: page number {number}, page size {shown}",
            "invalid_pagination_parameters",
        )
    is_pattern = query.is_true("use_regex")
    matches = _matcher(query.get("name") or "", is_pattern=is_pattern)
    return PageWanted(number, size, matches, is_pattern)


def _integer(text: str) -> int:
    if whole_number(text.removeprefix("-"), DIGITS_MAX) is None:
        raise _invalid()
    return int(text)


def _matcher(name: str, *, is_pattern: bool) -> Callable[[str], bool] | None:
    if not name:
        return None
    if not is_pattern:
        lowered = name.casefold()
        return lambda candidate: lowered in candidate.casefold()
    if len(name) > PATTERN_CHARACTERS_MAX:
        raise _invalid()
    try:
        # A search has a limit of steps, so that no pattern stops the broker.
        return compile_pattern(f"(?i){name}").search
    except PatternError as error:
        raise _invalid() from error


def _invalid() -> HttpError:
    return bad_request(INVALID)
