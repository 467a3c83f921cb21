"""The shapes of bodies and answers that rows of the route table name: fields and their types.

A type is a word of JSON Schema; ``object`` and ``array`` leave open what is inside. An answer may
have more fields than its shape.
"""

from collections.abc import Mapping
from typing import Final

SHAPES: Final[Mapping[str, Mapping[str, str]]] = {
    "cluster_name": {"name": "string"},
    "extension": {"javascript": "string"},
    "health": {"status": "string"},
    "limit": {"value": "integer"},
    "limits": {"value": "object"},
    "login": {"username": "string", "password": "string"},
    "memory": {"memory": "object"},
    "node": {
        "name": "string",
        "type": "string",
        "running": "boolean",
        "os_pid": "string",
        "uptime": "integer",
        "run_queue": "integer",
        "processors": "integer",
        "mem_used": "integer",
        "mem_limit": "integer",
        "mem_alarm": "boolean",
        "disk_free": "integer",
        "disk_free_limit": "integer",
        "disk_free_alarm": "boolean",
        "fd_used": "integer",
        "fd_total": "integer",
        "sockets_used": "integer",
        "sockets_total": "integer",
        "proc_used": "integer",
        "proc_total": "integer",
        "rates_mode": "string",
        "being_drained": "boolean",
        "enabled_plugins": "array",
        "partitions": "array",
    },
    "openapi": {"openapi": "string", "info": "object", "paths": "object", "components": "object"},
    "overview": {
        "management_version": "string",
        "rabbitmq_version": "string",
        "product_name": "string",
        "product_version": "string",
        "cluster_name": "string",
        "erlang_version": "string",
        "erlang_full_version": "string",
        "rates_mode": "string",
        "exchange_types": "array",
        "message_stats": "object",
        "queue_totals": "object",
        "object_totals": "object",
        "churn_rates": "object",
        "statistics_db_event_queue": "integer",
    },
    "permissions": {
        "user": "string",
        "vhost": "string",
        "configure": "string",
        "write": "string",
        "read": "string",
    },
    "tables": {"ets_tables": "array"},
    "topic_permissions": {
        "user": "string",
        "vhost": "string",
        "exchange": "string",
        "write": "string",
        "read": "string",
    },
    "user": {
        "name": "string",
        "password_hash": "string",
        "hashing_algorithm": "string",
        "tags": "array",
        "limits": "object",
    },
    "user_names": {"users": "array"},
    "vhost": {
        "name": "string",
        "description": "string",
        "tags": "array",
        "default_queue_type": "string",
        "metadata": "object",
        "tracing": "boolean",
        "cluster_state": "object",
    },
    "whoami": {"name": "string", "tags": "array"},
}
"""The shapes by their names. A row may name one that is not here: then nothing is said of it."""
