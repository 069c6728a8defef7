"""The forms that Compose lets each attribute have: a text where it wants one and not a number, a list, a mapping.

Compose holds a file to its schema before it looks at any value, and so do we: who has seen `docker compose up` refuse
`user: 1000` has not been graded with it either. What an attribute may say is judged elsewhere; names that are not known
are refused there too, and the attributes that are refused in any form have none here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grader.model.text import Text, msg
from grader.policy.document.nodes import Mapping, Node, Scalar, Sequence, plain, text_of

if TYPE_CHECKING:
    from grader.policy.scope import Scope


@dataclass(slots=True, frozen=True)
class Form:
    """What a value may be: scalars of some kinds; a list of items; a mapping, of these fields or of any names."""

    scalars: frozenset[str] = frozenset()
    items: Form | None = None
    fields: dict[str, Form] | None = None
    values: Form | None = None
    required: tuple[str, ...] = ()
    once: bool = False  # no item of the list stands there twice

    def __or__(self, other: Form) -> Form:
        """Return what is of one form or the other."""
        return Form(
            self.scalars | other.scalars,
            self.items or other.items,
            self.fields or other.fields,
            self.values or other.values,
            self.required or other.required,
            self.once or other.once,
        )


def _list(items: Form, *, once: bool = False) -> Form:
    return Form(items=items, once=once)


def _names(values: Form) -> Form:
    return Form(values=values)


def _fields(required: str = "", /, **fields: Form) -> Form:
    return Form(fields=fields, required=tuple(required.split()))


TEXT = Form(frozenset({"text"}))
NULL = Form(frozenset({"null"}))
SWITCH = TEXT | Form(frozenset({"boolean"}))  # a text of a few words is one as well
WHOLE = TEXT | Form(frozenset({"whole"}))
NUMBER = WHOLE | Form(frozenset({"number"}))
TEXTS = _list(TEXT)
PAIRS = _names(NUMBER | SWITCH | NULL) | TEXTS
COMMAND = TEXTS | TEXT | NULL
ONE_OR_MORE = TEXTS | TEXT
_OPTIONS = _names(NUMBER)
_ULIMITS = _names(WHOLE | _fields("soft hard", soft=WHOLE, hard=WHOLE))
_HOSTS = _names(ONE_OR_MORE) | TEXTS
_FILES = _list(TEXT | _fields(source=TEXT, target=TEXT, uid=TEXT, gid=TEXT, mode=NUMBER))
_EXTERNAL = SWITCH | _fields(name=TEXT)

BUILD = TEXT | _fields(
    context=TEXT, dockerfile=TEXT, dockerfile_inline=TEXT, args=PAIRS, labels=PAIRS, cache_from=TEXTS, cache_to=TEXTS,
    no_cache=SWITCH, network=TEXT, provenance=SWITCH, sbom=SWITCH, pull=SWITCH, target=TEXT, shm_size=WHOLE,
    extra_hosts=_HOSTS, isolation=TEXT, privileged=SWITCH, tags=TEXTS, ulimits=_ULIMITS, platforms=TEXTS,
)  # fmt: skip
_LIMITS = _fields(cpus=NUMBER, memory=TEXT, pids=WHOLE)
_UPDATE = _fields(
    parallelism=WHOLE, delay=TEXT, failure_action=TEXT, monitor=TEXT, max_failure_ratio=NUMBER, order=TEXT
)
DEPLOY = NULL | _fields(
    mode=TEXT, endpoint_mode=TEXT, replicas=WHOLE, labels=PAIRS, rollback_config=_UPDATE, update_config=_UPDATE,
    resources=_fields(limits=_LIMITS, reservations=replace(_LIMITS, fields={"cpus": NUMBER, "memory": TEXT})),
    restart_policy=_fields(condition=TEXT, delay=TEXT, max_attempts=WHOLE, window=TEXT),
    placement=_fields(constraints=TEXTS, preferences=_list(_fields(spread=TEXT)), max_replicas_per_node=WHOLE),
)  # fmt: skip
HEALTHCHECK = _fields(
    disable=SWITCH, interval=TEXT, retries=NUMBER, test=ONE_OR_MORE, timeout=TEXT, start_period=TEXT,
    start_interval=TEXT,
)  # fmt: skip
_MOUNT = _fields(
    "type", type=TEXT, source=TEXT, target=TEXT, read_only=SWITCH, consistency=TEXT,
    bind=_fields(propagation=TEXT, create_host_path=SWITCH, recursive=TEXT, selinux=TEXT),
    volume=_fields(labels=PAIRS, nocopy=SWITCH, subpath=TEXT), tmpfs=_fields(size=WHOLE, mode=NUMBER),
)  # fmt: skip
_PORT = _fields(name=TEXT, mode=TEXT, host_ip=TEXT, target=WHOLE, published=WHOLE, protocol=TEXT, app_protocol=TEXT)
_DEPENDENCY = _fields("condition", restart=SWITCH, required=Form(frozenset({"boolean"})), condition=TEXT)
_ENDPOINT = NULL | _fields(
    aliases=TEXTS, interface_name=TEXT, ipv4_address=TEXT, ipv6_address=TEXT, link_local_ips=TEXTS, mac_address=TEXT,
    driver_opts=_OPTIONS, priority=NUMBER, gw_priority=NUMBER,
)  # fmt: skip
SERVICE = _fields(
    attach=SWITCH, build=BUILD, cap_add=TEXTS, cap_drop=TEXTS, cgroup=TEXT, command=COMMAND,
    configs=_FILES, container_name=TEXT, cpu_count=WHOLE, cpu_percent=WHOLE, cpu_shares=NUMBER, cpu_quota=NUMBER,
    cpu_period=NUMBER, cpus=NUMBER, cpuset=TEXT,
    depends_on=_list(TEXT, once=True) | _names(_DEPENDENCY), deploy=DEPLOY, dns=ONE_OR_MORE, dns_opt=TEXTS,
    dns_search=ONE_OR_MORE, domainname=TEXT, entrypoint=COMMAND,
    env_file=TEXT | _list(TEXT | _fields("path", path=TEXT, format=TEXT, required=SWITCH)), environment=PAIRS,
    expose=_list(NUMBER), extra_hosts=_HOSTS, group_add=_list(NUMBER, once=True), healthcheck=HEALTHCHECK,
    hostname=TEXT, image=TEXT, init=SWITCH, ipc=TEXT, labels=PAIRS, links=TEXTS,
    logging=_fields(driver=TEXT, options=_names(NUMBER | NULL)), mac_address=TEXT, mem_limit=NUMBER,
    mem_reservation=WHOLE, mem_swappiness=WHOLE, memswap_limit=NUMBER, network_mode=TEXT,
    networks=_list(TEXT, once=True) | _names(_ENDPOINT), oom_kill_disable=SWITCH, oom_score_adj=WHOLE, pid=TEXT,
    pids_limit=NUMBER, platform=TEXT, ports=_list(NUMBER | _PORT), profiles=TEXTS, pull_policy=TEXT,
    pull_refresh_after=TEXT, read_only=SWITCH, restart=TEXT, runtime=TEXT, scale=WHOLE,
    security_opt=_list(TEXT, once=True), shm_size=NUMBER, secrets=_FILES, sysctls=PAIRS, stdin_open=SWITCH,
    stop_grace_period=TEXT, stop_signal=TEXT, tmpfs=ONE_OR_MORE, tty=SWITCH, ulimits=_ULIMITS, user=TEXT,
    volumes=_list(TEXT | _MOUNT), volumes_from=_list(TEXT, once=True), working_dir=TEXT,
)  # fmt: skip
_IPAM_CONFIG = _fields(subnet=TEXT, ip_range=TEXT, gateway=TEXT, aux_addresses=_names(TEXT))
NETWORK = NULL | _fields(
    name=TEXT, driver=TEXT, driver_opts=_OPTIONS, external=_EXTERNAL, internal=SWITCH, enable_ipv4=SWITCH,
    enable_ipv6=SWITCH, attachable=SWITCH, labels=PAIRS,
    ipam=_fields(driver=TEXT, config=_list(_IPAM_CONFIG), options=_names(TEXT)),
)  # fmt: skip
VOLUME = NULL | _fields(name=TEXT, driver=TEXT, driver_opts=_OPTIONS, external=_EXTERNAL, labels=PAIRS)
FILE = _fields(name=TEXT, content=TEXT, environment=TEXT, file=TEXT, external=_EXTERNAL, labels=PAIRS)
PROJECT = {
    "version": TEXT, "name": TEXT, "networks": _names(NETWORK), "volumes": _names(VOLUME), "configs": _names(FILE),
    "secrets": _names(FILE),
}  # fmt: skip
_CODE = "attribute-type"


def check(scope: Scope, node: Mapping, form: Form) -> frozenset[str]:
    """Say where a mapping is not of the form that Compose lets it have; return the fields that are not or hold such."""
    fields = form.fields or {}
    return frozenset(
        name
        for name, entry in node.entries.items()
        if name in fields and not fits(scope.at(name, entry.line), entry.node, fields[name])
    )


def fits(scope: Scope, node: Node, form: Form) -> bool:
    """Say whether a value, and all in it, is of the form that Compose lets it have; complains where it is not."""
    if isinstance(node, Scalar):
        right = bool(form.scalars & _kinds(node))
    elif isinstance(node, Sequence):
        right = form.items is not None
    else:
        right = bool(form.fields or form.values)
    if not right:
        _wrong(scope, form, node)
    elif isinstance(node, Sequence) and form.items:
        items = [fits(scope.at(number, item.line), item, form.items) for number, item in enumerate(node.items)]
        right = all(items) and not (form.once and _twice(scope, node))
    elif isinstance(node, Mapping):
        inner = [
            fits(scope.at(name, entry.line), entry.node, wanted)
            for name, entry in node.entries.items()
            if (wanted := form.fields.get(name) if form.fields else form.values)
        ]
        right = all(inner) and not _lacks(scope, node, form)
    return right


def _lacks(scope: Scope, node: Mapping, form: Form) -> bool:
    """Say whether a field is missing that must be there; complains if so."""
    missing = [name for name in form.required if name not in node.entries]
    for name in missing:
        scope.error(
            _CODE,
            msg("%(path)s needs %(name)s.", path=scope.path, name=name),
            msg("Write %(name)s: and its value below it.", name=name),
        )
    return bool(missing)


def _kinds(node: Scalar) -> set[str]:
    value = node.value
    if value is None:
        return {"null"}
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, str):
        return {"text"}
    return {"number", "whole"} if isinstance(value, int) or value.is_integer() else {"number"}


def _twice(scope: Scope, node: Sequence) -> bool:
    """Say whether an item of a list stands there twice; complains if so."""
    values = [plain(item) for item in node.items]
    for number, item in enumerate(node.items):
        if values[number] in values[:number]:
            scope.on(item).error(
                _CODE,
                msg("%(value)s stands twice in %(path)s.", value=str(values[number])[:60], path=scope.path),
                msg("Keep one of the two."),
            )
            return True
    return False


def _wrong(scope: Scope, form: Form, node: Node) -> None:
    """Say what the value should be, in the words of whoever wrote it."""
    if isinstance(node, Scalar) and node.value is None:
        scope.error(
            _CODE,
            msg("%(path)s has no value.", path=scope.path),
            msg("Write one behind the colon, or remove the line."),
        )
    elif isinstance(node, Scalar) and form.scalars & {"text", "boolean", "whole"} == {"text"}:
        scope.error(
            _CODE,
            msg("%(path)s must be a text; %(value)s is none.", path=scope.path, value=text_of(node.value)[:60]),
            msg('Put it into quotes: "%(value)s".', value=text_of(node.value)[:60]),
        )
    else:
        scope.error(_CODE, _expected(scope.path, form))


def _expected(path: str, form: Form) -> Text:
    mapping = bool(form.fields or form.values)
    forms = (
        ("boolean" in form.scalars, msg("%(path)s must be true or false.")),
        ("number" in form.scalars, msg("%(path)s must be a number.")),
        ("whole" in form.scalars, msg("%(path)s must be a whole number.")),
        (form.items and mapping, msg("%(path)s must be a mapping or a list.")),
        (form.items and "text" in form.scalars, msg("%(path)s must be a text or a list of texts.")),
        (form.items, msg("%(path)s must be a list, each entry on a line that begins with a hyphen.")),
        (mapping, msg("%(path)s must be a mapping (name: value).")),
        (True, msg("%(path)s must be a text, not a list or mapping.")),
    )
    return Text(next(text.msgid for so, text in forms if so), {"path": path})
