"""The broker's definitions in the metadata store of a cluster (ADR 52)."""
