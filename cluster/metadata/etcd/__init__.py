"""The metadata store in etcd 3.4 or later, through its JSON gateway (ADR 49)."""
