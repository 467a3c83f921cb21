"""Users, rights and vhosts of ``rabbitmqctl``."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.results import Done, Result, Rows, Told
from command_line.lookalike.terms import Term, atoms
from command_line.lookalike.words import FLAG, TEXT, Call, Command, PlainError, known_columns

NOT_FOUND: Final = 404


def user_of(
    call: Call,
    name: str,
    text: str = 'User "{}" does not exist',
    status: int = exit_status.NO_USER,
) -> Thing:
    """Return a user.

    Raises:
        CommandError: ``status``, there is none; ``text`` has its name as ``{}``.
    """
    try:
        return call.api.thing(path_of("users", name))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        raise CommandError(text.format(name), status) from error


def require_vhost(call: Call, name: str, text: str = "", status: int = exit_status.DATA) -> Thing:
    """Return a vhost.

    Raises:
        CommandError: ``status``, there is none; ``text`` has its name as ``{}``.
    """
    try:
        return call.api.thing(path_of("vhosts", name))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        if not text:
            raise PlainError(f"Virtual host '{name}' does not exist", status) from error
        raise CommandError(text.format(name), status) from error


def _secret(call: Call, at: int) -> str:
    """Return a password: an argument, or the first line of standard input."""
    if len(call.args) > at:
        return call.args[at]
    if call.surface.can_ask:
        return call.surface.read_secret("Password: ")
    return call.surface.read("-").partition("\n")[0].removesuffix("\r")


def list_users(call: Call) -> Result:
    """List users and their tags."""
    rows = call.api.things(path_of("users"))
    return Rows(
        ("user", "tags"),
        [{"user": row["name"], "tags": atoms(list(row.get("tags") or []))} for row in rows],
    )


def add_user(call: Call) -> Result:
    """Create a user, who has no rights yet."""
    name = call.args[0]
    body: dict[str, object] = {"tags": ""}
    if call.has("pre-hashed-password"):
        body["password_hash"] = _secret(call, 1)
    else:
        body["password"] = _secret(call, 1)
    try:
        call.api.thing(path_of("users", name))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
    else:
        raise CommandError(f'User "{name}" already exists', exit_status.SOFTWARE)
    call.api.call("PUT", path_of("users", name), body)
    text = (
        "Done. Don't forget to grant the user permissions to some virtual hosts!"
        " See 'rabbitmqctl help set_permissions' to learn more."
    )
    return Told(
        None if call.has("quiet") or call.has("silent") else text,
        {"node": call.node, "result": "ok"},
    )


def change_password(call: Call) -> Result:
    """Give a user another password."""
    name = call.args[0]
    found = user_of(call, name)
    body = {"password": _secret(call, 1), "tags": found["tags"]}
    call.api.call("PUT", path_of("users", name), body)
    return Done(call.node)


def clear_password(call: Call) -> Result:
    """Let nobody log in with a password of this user."""
    name = call.args[0]
    found = user_of(call, name)
    call.api.call("PUT", path_of("users", name), {"password_hash": "", "tags": found["tags"]})
    return Done(call.node)


def set_user_tags(call: Call) -> Result:
    """Give a user these tags and no others."""
    name, *tags = call.args
    found = user_of(call, name)
    body = {
        "tags": ",".join(tags),
        "password_hash": found.get("password_hash", ""),
        "hashing_algorithm": found.get("hashing_algorithm"),
    }
    call.api.call("PUT", path_of("users", name), body)
    return Done(call.node)


def delete_user(call: Call) -> Result:
    """Delete a user."""
    user_of(call, call.args[0])
    call.api.call("DELETE", path_of("users", call.args[0]))
    return Done(call.node)


def authenticate_user(call: Call) -> Result:
    """Log in as a user, to see whether the password is right."""
    name, password = call.args[0], _secret(call, 1)
    octets = base64.b64encode(f"{name}:{password}".encode("utf-8", "surrogateescape"))
    headers = {"authorization": f"Basic {octets.decode('ascii')}"}
    answer = call.api.answer("GET", path_of("whoami"), headers=headers)
    # A user without a tag of management may not ask who it is, but its password was right.
    if answer.status == 401 and b"Not management user" not in answer.body:  # noqa: PLR2004
        raise CommandError(
            f'Error:\nError: failed to authenticate user "{name}"\n'
            f"user '{name}' - invalid credentials",
            exit_status.DATA,
        )
    return Told("Success", {"message": "Success"})


_VHOST_FIELDS: Final = (
    "name",
    "description",
    "tags",
    "default_queue_type",
    "tracing",
    "cluster_state",
)


def list_vhosts(call: Call) -> Result:
    """List vhosts."""
    names = call.columns("name")
    rows = [_vhost(each) for each in call.api.things(path_of("vhosts"))]
    return Rows(names, rows)


def _vhost(found: Thing) -> dict[str, object]:
    state = found.get("cluster_state") or {}
    text = "[" + ", ".join(f"{{{node}, {each}}}" for node, each in state.items()) + "]"
    kind = found.get("default_queue_type")
    return {
        **found,
        "tags": atoms(list(found.get("tags") or [])),
        "default_queue_type": "undefined" if kind in {None, ""} else kind,
        "cluster_state": Term(text, state),
    }


def add_vhost(call: Call) -> Result:
    """Create a vhost; one that is there stays as it is."""
    name = call.args[0]
    try:
        call.api.thing(path_of("vhosts", name))
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
    else:
        return Done(call.node)
    body = {
        key.replace("-", "_"): call.options[key]
        for key in ("description", "tags", "default-queue-type")
        if key in call.options
    }
    call.api.call("PUT", path_of("vhosts", name), body)
    return Done(call.node)


def delete_vhost(call: Call) -> Result:
    """Delete a vhost with everything in it."""
    require_vhost(call, call.args[0])
    call.api.call("DELETE", path_of("vhosts", call.args[0]))
    return Done(call.node)


def set_vhost_tags(call: Call) -> Result:
    """Give a vhost these tags and no others."""
    name, *tags = call.args
    found = require_vhost(call, name)
    body = {"description": found.get("description", ""), "tags": ",".join(tags)}
    call.api.call("PUT", path_of("vhosts", name), body)
    return Done(call.node)


_NO_VHOST: Final = "Virtual host {} does not exist"


def set_permissions(call: Call) -> Result:
    """Give a user rights in a vhost."""
    name, configure, write, read = call.args
    require_vhost(call, call.vhost, _NO_VHOST, exit_status.UNAVAILABLE)
    user_of(call, name, "User {} does not exist")
    body = {"configure": configure, "write": write, "read": read}
    try:
        call.api.call("PUT", path_of("permissions", call.vhost, name), body)
    except RefusedError as error:
        raise CommandError(str(error), exit_status.UNAVAILABLE) from error
    return Done(call.node)


def clear_permissions(call: Call) -> Result:
    """Take the rights of a user in a vhost away."""
    require_vhost(call, call.vhost, _NO_VHOST, exit_status.UNAVAILABLE)
    user_of(call, call.args[0], "User {} does not exist")
    _delete_if_there(call, path_of("permissions", call.vhost, call.args[0]))
    return Done(call.node)


def set_topic_permissions(call: Call) -> Result:
    """Restrict the routing keys of a user at an exchange."""
    name, exchange, write, read = call.args
    require_vhost(call, call.vhost, _NO_VHOST, exit_status.UNAVAILABLE)
    user_of(call, name, "User {} does not exist")
    body = {"exchange": exchange, "write": write, "read": read}
    call.api.call("PUT", path_of("topic-permissions", call.vhost, name), body)
    return Done(call.node)


def clear_topic_permissions(call: Call) -> Result:
    """Lift restrictions of a user: at an exchange, or all of them in the vhost."""
    require_vhost(call, call.vhost, _NO_VHOST, exit_status.UNAVAILABLE)
    user_of(call, call.args[0], "User {} does not exist")
    _delete_if_there(call, path_of("topic-permissions", call.vhost, *call.args))
    return Done(call.node)


def _delete_if_there(call: Call, path: str) -> None:
    try:
        call.api.call("DELETE", path)
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise


def _rights(place: str, fields: Sequence[str], *, of_user: bool) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        if of_user:
            text = '{{:no_such_user, "{}"}}'
            user_of(call, call.args[0], text, exit_status.UNAVAILABLE)
            path = f"{path_of('users', call.args[0])}/{place}"
        else:
            require_vhost(call, call.vhost)
            path = f"{path_of('vhosts', call.vhost)}/{place}"
        return Rows(fields, call.api.things(path))

    return run


_PATTERNS: Final = ("configure", "write", "read")
_KEYS: Final = ("exchange", "write", "read")
_VHOST_OPTIONS: Final = {"--description": TEXT, "--tags": TEXT, "--default-queue-type": TEXT}

COMMANDS: Final[Mapping[str, Command]] = {
    "list_users": Command(list_users, "Listing users ..."),
    "add_user": Command(
        add_user,
        'Adding user "{0}" ...',
        least=1,
        most=2,
        options={"--pre-hashed-password": FLAG},
    ),
    "change_password": Command(
        change_password, 'Changing password for user "{0}" ...', least=1, most=2
    ),
    "clear_password": Command(
        clear_password, 'Clearing password for user "{0}" ...', least=1, most=1
    ),
    "set_user_tags": Command(
        set_user_tags, 'Setting tags for user "{0}" to {tags} ...', least=1, most=None
    ),
    "delete_user": Command(delete_user, 'Deleting user "{0}" ...', least=1, most=1),
    "authenticate_user": Command(
        authenticate_user, 'Authenticating user "{0}" ...', least=1, most=2
    ),
    "list_vhosts": Command(
        list_vhosts, "Listing vhosts ...", most=None, check=known_columns(_VHOST_FIELDS)
    ),
    "add_vhost": Command(
        add_vhost, 'Adding vhost "{0}" ...', least=1, most=1, options=_VHOST_OPTIONS
    ),
    "delete_vhost": Command(delete_vhost, 'Deleting vhost "{0}" ...', least=1, most=1),
    "set_vhost_tags": Command(
        set_vhost_tags, 'Setting tags for virtual host "{0}" to {tags} ...', least=1, most=None
    ),
    "set_permissions": Command(
        set_permissions,
        'Setting permissions for user "{0}" in vhost "{call.vhost}" ...',
        least=4,
        most=4,
    ),
    "clear_permissions": Command(
        clear_permissions,
        'Clearing permissions for user "{0}" in vhost "{call.vhost}" ...',
        least=1,
        most=1,
    ),
    "set_topic_permissions": Command(
        set_topic_permissions,
        'Setting topic permissions on "{1}" for user "{0}" in vhost "{call.vhost}" ...',
        least=4,
        most=4,
    ),
    "clear_topic_permissions": Command(
        clear_topic_permissions,
        'Clearing topic permissions{on} for user "{0}" in vhost "{call.vhost}" ...',
        least=1,
        most=2,
    ),
    "list_permissions": Command(
        _rights("permissions", ("user", *_PATTERNS), of_user=False),
        'Listing permissions for vhost "{call.vhost}" ...',
    ),
    "list_user_permissions": Command(
        _rights("permissions", ("vhost", *_PATTERNS), of_user=True),
        'Listing permissions for user "{0}" ...',
        least=1,
        most=1,
    ),
    "list_topic_permissions": Command(
        _rights("topic-permissions", ("user", *_KEYS), of_user=False),
        'Listing topic permissions for vhost "{call.vhost}" ...',
    ),
    "list_user_topic_permissions": Command(
        _rights("topic-permissions", ("vhost", *_KEYS), of_user=True),
        'Listing topic permissions for user "{0}" ...',
        least=1,
        most=1,
    ),
}
