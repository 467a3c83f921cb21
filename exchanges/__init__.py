"""Routing, as functions of names, keys and headers; knows no queue and no wire."""
