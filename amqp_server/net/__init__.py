"""The asyncio shell: sockets, TLS, timers and the only clock."""
