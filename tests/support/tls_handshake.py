"""A TLS handshake in memory: two ends, no socket."""

import ssl


def client_context(ca_file: str, *chain: str) -> ssl.SSLContext:
    """Return a client's context that trusts an authority and presents a certificate, or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(ca_file)
    if chain:
        context.load_cert_chain(*chain)
    return context


def shake_hands(
    server: ssl.SSLContext, client: ssl.SSLContext
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Return the server's and the client's end, both connected.

    Raises:
        ssl.SSLError: one of them refused the other.
    """
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    client_end = client.wrap_bio(to_client, to_server)
    waiting = [client_end, server_end]
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            return server_end, client_end
    raise AssertionError("the handshake does not end")
