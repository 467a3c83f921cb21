"""The cluster: its members, and where its mirrored queues are."""

from typing import Final

from management.shapes.words import Shapes

CLUSTER: Final[Shapes] = {
    "cluster": {
        "clustered": "boolean",
        "name": "string",
        "node": "string",
        "nodes": "[@cluster_member]",
        "controller?": "string|null",
        "store?": "string",
        "store_heard_ms?": "count|null",
        "lease_left_ms?": "count|null",
        "frozen?": "string|null",
        "feature_level?": "count",
        "feature_level_next?": "count",
        "elections?": "count",
        "promotions?": "count",
        "moves_left?": "count",
        "queues?": "@census",
    },
    "census": {
        "mirrored": "count",
        "offline": "count",
        "held": "count",
        "at_min_isr": "count",
        "under_replicated": "count",
    },
    "cluster_member": {
        "name": "string",
        "running": "boolean",
        "state": "=active|=draining|=leaving",
        "address": "string",
        "zone": "string",
        "version": "string",
        "feature_level": "count",
        "leaders": "count",
        "replicas": "count",
        "gone_ms": "count|null",
        "connected": "boolean|null",
        "lag": "count|null",
        "heard_ms": "count|null",
    },
    "replica": {
        "node": "string",
        "in_sync": "boolean",
        "online": "boolean",
        "lag": "count|null",
        "other_disk": "boolean",
        "damaged": "boolean",
    },
    "replicas": {
        "leader": "string",
        "replicas": "[@replica]",
    },
    "queue_in_danger": {
        "name": "string",
        "exchange": "string|null",
        "vhost": "string",
        "type": "=classic|=quorum|=stream",
        "state": "=running|=down|=minority",
        "danger": "=offline|=held|=at_min_isr|=under_replicated",
        "leader": "string",
        "epoch": "count",
        "min_isr": "count",
        "in_sync": "[string]",
        "replicas": "[@replica]",
        "clean": "boolean",
    },
    "harm": {
        "node": "string",
        "safe": "boolean",
        "count": "count",
        "queues": "[@harmed_queue]",
    },
    "harmed_queue": {
        "name": "string",
        "vhost": "string",
        "type": "=classic|=quorum|=stream",
        "harm": "=offline|=held",
        "left": "count",
        "min_isr": "count",
    },
    "promotion": {
        "node": "string",
        "possible": "boolean",
        "refusal": "string",
        "loss": "string",
        "warnings": "[string]",
        "members": "[string]",
        "damaged": "boolean",
        "emptied": "boolean",
        "ahead": "[string]",
        "silent": "[string]",
        "leads": "boolean",
    },
    "leader": {
        "leader": "string",
    },
    "moves": {
        "moves": "count",
    },
    "feature_level": {
        "feature_level": "count",
    },
    "epoch": {
        "epoch": "count",
    },
    "wanted_leader": {
        "node?": "string",
    },
    "wanted_promotion": {
        "accept_data_loss?": "boolean",
    },
    "wanted_rebalance": {
        "type?": "string",
        "vhost_pattern?": "string",
        "queue_pattern?": "string",
    },
    "wanted_replica": {
        "node?": "string",
    },
}
