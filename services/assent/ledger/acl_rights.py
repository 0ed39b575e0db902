"""What each login may do on a cluster, by infra/acls.yaml, compared with what the brokers allow. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from assent.infra_files import infra_path
from assent_contracts.topics import CHANGES, GOVERNANCE, HEADS, LEDGER

Operation = Literal["read", "write", "create", "describe", "describe-configs", "alter-configs"]
EVERY_HOST: Final = "*"
EVERY_LOGIN: Final = "*"
_EVERY_NAME: Final = "*"
_WRITTEN_BY_FEW: Final = (LEDGER, GOVERNANCE, HEADS, CHANGES)
"""The topics that no login of another program has to write to."""
_ONLY_LOOKS: Final = ("read", "describe", "describe-configs")
_WHATEVER_NAME: Final = ("cluster", "transactional-id")
"""Kinds of which no login of Assent needs any."""


class RoleRights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rights of one role."""

    topics: dict[str, tuple[Operation, ...]]
    groups: tuple[str, ...] = ()
    founding: bool = False
    """Whether it has them only while a log is founded."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: dict[str, RoleRights]


class Right(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """One rule of the brokers about one login: an access control list entry."""

    login: str
    """The principal without `User:`; `*` for all."""
    kind: str
    """`topic`, `group`, `cluster`, `transactional-id` or another of Kafka's."""
    name: str
    """The resource; `*` for all of its kind."""
    operation: str
    prefixed: bool = False
    """Whether it is about all names that begin with `name`."""
    host: str = EVERY_HOST
    denies: bool = False

    def __str__(self) -> str:
        """As people read it: `status may read topic assent.ledger`."""
        may = "is denied to" if self.denies else "may"
        star = "*" if self.prefixed else ""
        where = "" if self.host == EVERY_HOST else f" from {self.host}"
        return f"{self.login} {may} {self.operation} {self.kind} {self.name}{star}{where}"


class RightsDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The brokers' rights, compared with the file's."""

    missing: list[Right]
    surplus: list[Right]
    """What a login of Assent has in addition, on a topic or group of Assent or on the cluster."""
    others: list[Right]
    """What lets other logins change topics that only services of Assent write to."""


def role_rights() -> dict[str, RoleRights]:
    """The rights of each role, by its name."""
    return msgspec.yaml.decode(infra_path("acls.yaml").read_bytes(), type=_File).roles


def required_rights(
    roles: Mapping[str, RoleRights], logins: Mapping[str, Sequence[str]], *, founding: bool
) -> set[Right]:
    """Every right that must be there.

    `logins`: the logins of each role that are not its name. `founding`: also those for founding a log.
    """
    return {
        right
        for role, rights in roles.items()
        if founding or not rights.founding
        for login in logins.get(role, (role,))
        for right in _rights_of(login, rights)
    }


def known_logins(roles: Iterable[str], logins: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The logins of all roles."""
    return frozenset(login for role in roles for login in logins.get(role, (role,)))


def compare_rights(
    must: Collection[Right], there: Collection[Right], logins: Collection[str]
) -> RightsDifference:
    """`must` and `there`, compared for these logins of Assent."""
    wanted, found = set(must), set(there)
    topics = {(right.name, right.prefixed) for right in wanted if right.kind == "topic"}
    groups = {(right.name, right.prefixed) for right in wanted if right.kind == "group"}
    return RightsDifference(
        missing=sorted(wanted - found),
        surplus=sorted(
            right
            for right in found - wanted
            if right.login in logins
            and (
                right.kind in _WHATEVER_NAME
                or (right.kind == "topic" and _is_about(right, topics))
                or (right.kind == "group" and _is_about(right, groups))
            )
        ),
        others=sorted(right for right in found if right.login not in logins and _disturbs(right)),
    )


def _rights_of(login: str, rights: RoleRights) -> Iterable[Right]:
    for topic, operations in rights.topics.items():
        for operation in operations:
            yield Right(login=login, kind="topic", name=topic, operation=operation)
    for group in rights.groups:
        name = group.removesuffix("*")
        yield Right(login=login, kind="group", name=name, operation="read", prefixed=name != group)


def _disturbs(right: Right) -> bool:
    """Whether it lets a login change a topic that only services write to, or denies one to every login."""
    if right.kind != "topic" or not _is_about(right, {(name, False) for name in _WRITTEN_BY_FEW}):
        return False
    return right.login == EVERY_LOGIN if right.denies else right.operation not in _ONLY_LOOKS


def _is_about(right: Right, names: Collection[tuple[str, bool]]) -> bool:
    """Whether it is about any of these names; True beside a name: all that begin with it."""
    if right.name == _EVERY_NAME and not right.prefixed:
        return True
    return any(
        right.name == name
        or (right.prefixed and name.startswith(right.name))
        or (prefixed and right.name.startswith(name))
        for name, prefixed in names
    )
