"""An etcd that says what it is told to: ``/health`` and ``/v3/kv/range``."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def etcd_that_says(address: str, values: dict[bytes, bytes]) -> Iterator[int]:
    """Serve these keys; yield the port."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say({"health": "true"})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            value = values.get(b64decode(asked["key"]))
            found = [] if value is None else [{"value": b64encode(value).decode()}]
            self.say({"kvs": found} if found else {})

        def say(self, answer: object) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *words: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer((address, 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
