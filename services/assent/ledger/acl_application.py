"""Give Assent's logins the rights of infra/acls.yaml, and name those that they have in addition."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from aiokafka.errors import KafkaError

from assent.ledger.acl_requests import AclClient, AclsError
from assent.ledger.acl_rights import (
    Right,
    compare_rights,
    known_logins,
    required_rights,
    role_rights,
)
from assent_contracts.client.connection import Connection

_SETTLES_S: Final = 15.0
_LOOK_S: Final = 0.1


class AppliedRights(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, or would be done in a dry run."""

    required: int
    """How many rights infra/acls.yaml gives to these logins."""
    added: list[Right]
    """Rights that were missing."""
    removed: list[Right]
    surplus: list[Right]
    """What a login of Assent has in addition and keeps."""
    others: list[Right]
    """What lets other logins change topics that only services of Assent write to. These are never removed."""


async def apply_acls(
    connection: Connection,
    *,
    logins: Mapping[str, Sequence[str]],
    founding: bool = False,
    remove_others: bool = False,
    dry_run: bool = False,
) -> AppliedRights:
    """Give the rights that are missing. Returns when every broker that answers shows them.

    `logins`: the logins of each role that are not its name. `remove_others`: take surplus rights away. Raises
    AclsError, KafkaError.
    """
    roles = role_rights()
    _refuse_unknown_roles(roles, logins)
    must = required_rights(roles, logins, founding=founding)
    async with AclClient(connection) as client:
        difference = compare_rights(must, await client.rights(), known_logins(roles, logins))
        removed = difference.surplus if remove_others else []
        if not dry_run:
            # First what must be there: a service that works goes on working.
            await client.add(difference.missing)
            await client.remove(removed)
            await _shown_by_all(client, difference.missing, removed)
    return AppliedRights(
        required=len(must),
        added=difference.missing,
        removed=removed,
        surplus=[] if remove_others else difference.surplus,
        others=difference.others,
    )


def _refuse_unknown_roles(roles: Mapping[str, object], logins: Mapping[str, Sequence[str]]) -> None:
    unknown = sorted(logins.keys() - roles.keys())
    if unknown:
        msg = f"No role is called {unknown[0]!r}. The roles: {', '.join(roles)}."
        raise AclsError(msg)


async def _shown_by_all(client: AclClient, added: Sequence[Right], removed: Sequence[Right]) -> None:
    """Return when each broker shows what was changed: they learn of it a moment after the controller."""
    if not added and not removed:
        return
    try:
        async with asyncio.timeout(_SETTLES_S):
            for broker in await client.brokers():
                # ASYNC110: there is no event to wait for.
                while not await _shows(client, broker, added, removed):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        msg = "The rights were changed, but a broker does not show it yet. Run it again with --dry-run."
        raise AclsError(msg) from None


async def _shows(client: AclClient, broker: int, added: Sequence[Right], removed: Sequence[Right]) -> bool:
    try:
        there = await client.rights(broker)
    except KafkaError:
        return False
    return there.issuperset(added) and there.isdisjoint(removed)
