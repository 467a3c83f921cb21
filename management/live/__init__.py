"""Answers that go on: events as they happen, for as long as the client listens."""
