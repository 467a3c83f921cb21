"""URIs without the user and password in them, for everybody who only looks.

Source: RabbitMQ, amqp_uri:remove_credentials.
"""

import re
from collections.abc import Mapping
from typing import Final

_CREDENTIALS: Final = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)[^/]*@")


def without_credentials(uri: str) -> str:
    """Return a URI without its user and password; another text stays as it is."""
    return _CREDENTIALS.sub(r"\1", uri)


def with_hidden_uris(value: object) -> object:
    """Return a value as JSON has it, without the credentials of the URIs in it."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, Mapping):
        return {key: with_hidden_uris(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_hidden_uris(each) for each in value]
    return value
