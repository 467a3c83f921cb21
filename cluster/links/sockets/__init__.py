"""Links on sockets of asyncio: TCP, TLS, Unix. The rest of ``cluster.links`` knows none."""
