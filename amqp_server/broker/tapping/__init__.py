"""Copies of messages that pass a queue or an exchange, for those who watch."""
