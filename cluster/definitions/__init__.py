"""Definitions of a cluster in its metadata store, as pure code (ADR 52).

What is declared, deleted, bound and unbound here is an *inquiry*: it yields questions to the store,
is sent the answers, and returns what came of it. Values are octets that nobody here looks at.
"""
