"""Ask the broker on this host for its first frame; the exit status is 0 if it comes.

haremq-healthcheck [PORT]
"""

import socket
import sys

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
TIMEOUT_S = 3.0
FRAME_METHOD = 1


def is_healthy(port: int) -> bool:
    """Return whether connection.start comes: the port accepts, and the loop behind it turns."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(PROTOCOL_HEADER)
            return connection.recv(1) == bytes((FRAME_METHOD,))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(int(sys.argv[1]) if sys.argv[1:] else 5672) else 1)
