"""The keys of a body that must be there."""

from collections.abc import Mapping
from typing import Final

from management.http.errors import bad_request

LINE_CHARACTERS: Final = 80
"""Erlang breaks what is longer into lines."""


def require_keys(body: Mapping[str, object], *keys: str) -> None:
    """Refuse a body without some keys, with all of them in the text.

    Raises:
        HttpError: 400 ``[{key_missing,name}]``.

    Source: RabbitMQ 3.10, recorded answers: long texts are broken as Erlang prints a list.
    """
    missing = [f"{{key_missing,{key}}}" for key in keys if key not in body]
    if not missing:
        return
    whole = ",".join(missing)
    if len(whole) >= LINE_CHARACTERS:
        whole = ",\n ".join(missing)
    raise bad_request(f"[{whole}]")
