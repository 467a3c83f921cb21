"""The running node of a cluster: it joins store, lease, links, core and disk (ADR 54)."""
