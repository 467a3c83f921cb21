"""What RabbitMQ has for a cluster and its upgrades, as far as clients ask for it.

Feature flags are those of RabbitMQ 3.13, all on, because tools look for some of them.
"""

import secrets
from typing import Any, Final

from amqp_server.broker.admin import SALT_BYTES, hash_password
from management.call import Call
from management.http.errors import bad_request, not_found
from management.http.response import Response, answer, empty
from management.listing import Rows, listed
from management.routing.route import Handler, Right, Route

FEATURE_FLAGS: Final = (
    "classic_mirrored_queue_version",
    "classic_queue_type_delivery_support",
    "direct_exchange_routing_v2",
    "drop_unroutable_metric",
    "empty_basic_get_metric",
    "feature_flags_v2",
    "implicit_default_bindings",
    "listener_records_in_ets",
    "maintenance_mode_status",
    "message_containers",
    "quorum_queue",
    "quorum_queue_non_voters",
    "restart_streams",
    "stream_filtering",
    "stream_queue",
    "stream_sac_coordinator_unblock_group",
    "stream_single_active_consumer",
    "stream_update_config_command",
    "tracking_records_in_ets",
    "user_limits",
    "virtual_host_metadata",
)


async def feature_flags(call: Call) -> Response:
    """Return what RabbitMQ may switch on, all of it on."""
    return await listed(
        call, Rows(iter(FEATURE_FLAGS), _flag_body, lambda name: name, is_paged=False)
    )


def _flag_body(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "desc": "",
        "doc_url": "",
        "state": "enabled",
        "stability": "stable",
        "provided_by": "rabbit",
    }


async def enable_feature_flag(call: Call) -> Response:
    """Do nothing: all of them are on."""
    if call.names["name"] not in FEATURE_FLAGS:
        raise bad_request("unsupported")
    return empty()


async def deprecated_features(_call: Call) -> Response:
    """Return nothing: no feature is about to go."""
    return answer([])


async def reset(call: Call) -> Response:
    """Forget all samples."""
    node = call.names.get("node")
    if node is not None and node != call.services.identity.node:
        raise not_found()
    call.services.sampler.forget()
    return empty()


async def auth(_call: Call) -> Response:
    """Return how a user logs in, in the words of 3.x and of 4.x: by name and password."""
    return answer(
        {"oauth_enabled": False, "enable_uaa": False, "uaa_client_id": "", "uaa_location": ""}
    )


async def password_hash(call: Call) -> Response:
    """Return a hash of a password, as definitions have it."""
    salt = secrets.token_bytes(SALT_BYTES)
    return answer({"ok": hash_password(call.names["password"], salt)})


def _route(
    method: str, path: str, right: Right, handler: Handler, summary: str, answer_shape: str = ""
) -> Route:
    return Route(
        method=method,
        path=path,
        right=right,
        handler=handler,
        summary=summary,
        answer=answer_shape,
        is_list=answer_shape == "feature",
    )


ROUTES: Final = (
    _route("GET", "feature-flags", Right.USER, feature_flags, "Feature flags, all on.", "feature"),
    Route(
        method="PUT",
        path="feature-flags/{name}/enable",
        right=Right.ADMINISTRATOR,
        handler=enable_feature_flag,
        summary="Switch a feature flag on; it is on.",
        needs_json_type=True,
    ),
    _route(
        "GET",
        "deprecated-features",
        Right.USER,
        deprecated_features,
        "Features that will go: none.",
        "feature",
    ),
    _route(
        "GET",
        "deprecated-features/used",
        Right.USER,
        deprecated_features,
        "Those of them in use: none.",
        "feature",
    ),
    _route("DELETE", "reset", Right.ADMINISTRATOR, reset, "Forget all samples."),
    _route("DELETE", "reset/{node}", Right.ADMINISTRATOR, reset, "The same, of a node."),
    _route("GET", "auth", Right.NOBODY, auth, "How a user logs in.", "auth"),
    _route(
        "GET",
        "auth/hash_password/{password}",
        Right.ADMINISTRATOR,
        password_hash,
        "A hash of a password, as definitions have it.",
        "password_hash",
    ),
)
