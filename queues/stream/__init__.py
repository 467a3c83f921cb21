"""The engine of the kind stream, and its log in memory."""
