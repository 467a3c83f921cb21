"""Moves of messages from queue to queue by the broker itself: dead letters."""
