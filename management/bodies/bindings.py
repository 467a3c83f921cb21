"""Bindings as JSON.

    properties key of a binding: ~                    no routing key, no arguments
                                 key                  percent-encoded; ~ is %7E
                                 key~hash             with arguments; the key may be empty

The hash is our own: RabbitMQ's is that of an Erlang term. Clients send it back as they got it.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any, Final
from urllib.parse import quote, quote_plus, unquote_to_bytes

from amqp_server.broker.views import BindingView

EMPTY: Final = "~"
HASH_BYTES: Final = 6


def properties_key(binding: BindingView) -> str:
    """Return what tells a binding from the others between the same two."""
    key = _quoted(binding.routing_key)
    if not binding.arguments:
        return key or EMPTY
    text = json.dumps(binding.arguments, sort_keys=True, default=repr)
    digest = hashlib.blake2b(text.encode(), digest_size=HASH_BYTES).digest()
    return f"{key}~{urlsafe_b64encode(digest).decode()}"


def is_named(binding: BindingView, wanted: str) -> bool:
    """Return whether a segment of a path, decoded once, names a binding.

    As in RabbitMQ the key in it may be encoded or not: a name that decodes to the key is right.
    """
    if wanted == properties_key(binding):
        return True
    quoted, tilde, hash_text = wanted.partition("~")
    key = unquote_to_bytes(quoted.replace("+", " ")).decode("utf-8", "surrogateescape")
    _, _, own_hash = properties_key(binding).partition("~")
    return key == binding.routing_key and hash_text == own_hash and bool(key or tilde)


def _quoted(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogateescape")).replace("~", "%7E")


def location_of(binding: BindingView) -> str:
    """Return the address of a binding, relative to that of its list."""
    destination = quote(binding.destination.encode("utf-8", "surrogateescape"), safe="")
    return f"{destination}/{quote(properties_key(binding), safe='~')}"


def binding_body(binding: BindingView) -> dict[str, Any]:
    """Return a binding."""
    return {
        "source": binding.source,
        "vhost": binding.vhost,
        "destination": binding.destination,
        "destination_type": binding.destination_type,
        "routing_key": binding.routing_key,
        "arguments": dict(binding.arguments),
        "properties_key": properties_key(binding),
    }


def default_binding(vhost: str, queue: str) -> BindingView:
    """Return the binding that every queue has to the default exchange."""
    return BindingView("", vhost, queue, "queue", queue, {}, {})
