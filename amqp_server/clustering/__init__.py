"""A node of a cluster: its broker over the cluster's store, its replicas and its links."""
