"""Counters over time: samples of all that counts, and the rates between them."""
