"""Calls the HTTP API of the broker under check; its port is 10000 above the AMQP port."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from conformance.address import Address
from conformance.peer import Peer

PORT_OFFSET = 10_000
TIMEOUT_S = 5.0
IMPORT_TIMEOUT_S = 30.0


def imported(address: Address, definitions: bytes) -> bool:
    """Give a broker definitions, as a file has them; return whether it has them now."""
    request = _request(address, "/api/definitions", "POST", definitions)
    try:
        with urllib.request.urlopen(request, timeout=IMPORT_TIMEOUT_S) as reply:
            return reply.status in (200, 201, 204)
    except (OSError, http.client.HTTPException):
        return False


def call(peer: Peer, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Call the API as the user of the broker's URI; return the status and the decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    request = _request(peer.address, path, method, data)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            raw = reply.read()
            return reply.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def _request(
    address: Address, path: str, method: str, data: bytes | None
) -> urllib.request.Request:
    request = urllib.request.Request(
        f"http://{address.host}:{address.port + PORT_OFFSET}{path}",
        method=method,
        data=data,
        headers={"Content-Type": "application/json"},
    )
    login = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    request.add_header("Authorization", f"Basic {login}")
    return request
