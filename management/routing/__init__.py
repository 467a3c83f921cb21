"""Routes: a row each, found by the still encoded path."""
