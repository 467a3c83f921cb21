"""The definitions file of a node: reads it at a start, applies it, and logs what it left out.

Source: RabbitMQ, load_definitions. In RabbitMQ one item that cannot be used refuses the start.
"""

import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import apply_definitions
from amqp_server.broker.definitions.document import Document
from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.definitions.references import with_references
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.settings import BrokerSettings

log = logging.getLogger(__name__)


def read_document(section: BrokerSettings, users: Users) -> Document:
    """Read the file that the settings name; without a file the document is empty.

    Raises:
        DefinitionsError: the file cannot be read, is not JSON, or is not an object.
    """
    path = section.load_definitions
    if path is None:
        return Document()
    with _naming(path):
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
        log.info("loading definitions file=%s", path)
        # Items that name no vhost are those of an export of one vhost.
        return parse_definitions(raw, secrets.token_bytes, section.default_vhost, users.get)


def load_document(broker: Broker, document: Document, now_ms: int) -> None:
    """Apply a document, and log the items that were left out.

    Raises:
        DefinitionsError: items would be left out, and the settings are strict; the text has a line
            for each, and nothing was applied.
    """
    section = broker.settings
    if section.load_definitions_strict:
        left_out = with_references(document, broker).left_out
        if left_out:
            with _naming(section.load_definitions):
                raise DefinitionsError("\n".join(left_out))
    left_out = apply_definitions(broker, document, now_ms)
    for line in left_out:
        log.warning("left out: %s", line)
    if left_out:
        path, count = section.load_definitions, len(left_out)
        log.warning("definitions were left out file=%s count=%d", path, count)


@contextmanager
def _naming(path: Path | None) -> Iterator[None]:
    """Put key and file in front of an error in the definitions."""
    where = f"broker.load_definitions: {path}"
    try:
        yield
    except BrokerError as error:
        raise DefinitionsError(f"{where}: {error}") from error
    except OSError as error:
        raise DefinitionsError(f"{where}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DefinitionsError(f"{where}: not JSON: {error}") from error
