"""The ``expiration`` property: a decimal number of milliseconds, as text.

Source: RabbitMQ, ttl: rabbit_basic:parse_expiration; the error terms are Erlang's
``string:to_integer`` and ``rabbit_misc:check_expiry``.
"""

import re
from typing import Final

from amqp_server.broker.errors import InvalidMessageError

EXPIRATION_MAX_MS: Final = 315_360_000_000
"""Ten years of 365 days."""

_INTEGER: Final = re.compile(r"([+-]?[0-9]+)(.*)", re.DOTALL)
_DIGITS_MAX: Final = 255


def checked_expiration_ms(text: str) -> int:
    """Return the TTL, which must be 0..EXPIRATION_MAX_MS in decimal digits.

    Raises:
        InvalidMessageError: it is something else (406).
    """
    found = _INTEGER.fullmatch(text[:_DIGITS_MAX])
    if found is None:
        raise _invalid(text, "no_integer")
    if found[2]:
        raise _invalid(text, f'{{leftover_string,"{found[2]}"}}')
    value = int(found[1])
    if value < 0:
        raise _invalid(text, f"{{value_negative,{value}}}")
    if value > EXPIRATION_MAX_MS:
        raise _invalid(text, f"{{value_too_large,{value}}}")
    return value


def _invalid(text: str, term: str) -> InvalidMessageError:
    return InvalidMessageError(f"invalid expiration '{text}': {term}")
