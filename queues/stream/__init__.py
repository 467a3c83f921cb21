"""The engine of the kind stream, its log in memory, and its messages in both AMQPs."""
