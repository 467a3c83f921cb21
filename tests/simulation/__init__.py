"""A whole cluster from one seed: cores of `cluster.replication`, virtual disks, links and store."""
