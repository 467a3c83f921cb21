"""Calls the HTTP API of the broker under check; its port is 10000 above the AMQP port."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

from conformance.peer import Peer

PORT_OFFSET = 10_000
TIMEOUT_S = 5.0


def call(peer: Peer, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Call the API as the user of the broker's URI; return the status and the decoded answer."""
    address = peer.address
    request = urllib.request.Request(
        f"http://{address.host}:{address.port + PORT_OFFSET}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    login = base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    request.add_header("Authorization", f"Basic {login}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            raw = reply.read()
            return reply.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None
