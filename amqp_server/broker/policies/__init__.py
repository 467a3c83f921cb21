"""Policies: settings laid over queues and exchanges by name pattern."""
