"""Requests, answers and errors as plain values; no HTTP library is known here."""
