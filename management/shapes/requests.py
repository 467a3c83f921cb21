"""Bodies that are no answers; all of their fields may be missing."""

from typing import Final

from management.shapes.words import Shapes

REQUESTS: Final[Shapes] = {
    "action": {
        "action?": "string",
    },
    "bulk": {
        "action?": "string",
        "vhost?": "string",
        "names?": "array",
        "filter?": "string",
        "after?": "string",
        "dry_run?": "boolean",
    },
    "get": {
        "count?": "i64",
        "ackmode?": "string",
        "encoding?": "string",
        "truncate?": "i64",
    },
    "limit": {
        "value?": "i64",
    },
    "login": {
        "username?": "string",
        "password?": "string",
    },
    "move": {
        "dest?": "string",
        "count?": "i64",
        "filter?": "object",
        "rate?": "count",
        "copy?": "boolean",
    },
    "peek": {
        "offset?": "i64",
        "place?": "string",
        "count?": "i64",
        "state?": "string",
        "encoding?": "string",
        "truncate?": "i64",
        "scan?": "i64",
        "filter?": "object",
    },
    "picked": {
        "messages?": "array",
    },
    "picked_move": {
        "dest?": "string",
        "messages?": "array",
    },
    "publish": {
        "routing_key?": "string",
        "properties?": "object",
        "payload?": "string",
        "payload_encoding?": "string",
    },
    "route_wanted": {
        "routing_key?": "string",
        "headers?": "object",
        "properties?": "object",
    },
    "stream_look": {
        "offset?": "string",
        "place?": "string",
        "count?": "i64",
        "encoding?": "string",
        "truncate?": "i64",
        "scan?": "i64",
        "filter?": "object",
    },
    "super_stream": {
        "partitions?": "i64",
        "binding-keys?": "string",
        "arguments?": "object",
    },
    "user_names": {
        "users?": "array",
    },
}
