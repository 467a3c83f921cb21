"""Vhosts and everything that has a name in them."""
