"""The accounts in a log that is measured: the demo's few, alone or among ten thousand others."""

from typing import Final, Literal

from msgspec.structs import replace

from assent.founding.governance_file import (
    ApprovalTable,
    GovernanceFile,
    GroupTable,
    KeyTable,
    PolicyTable,
    PrincipalTable,
    RoleTable,
    SettingsTable,
    read_governance_file,
)
from assent.infra_files import infra_path
from assent_contracts.digests import sha256_hex, to_base64url

Organisation = Literal["demo", "large"]

PRINCIPALS: Final = 10_000
GROUPS: Final = 1_000
POLICIES: Final = 500
_IN_A_GROUP: Final = PRINCIPALS // GROUPS
_QUOTA: Final = 10_000_000
"""One account opens all the measured requests, as fast as they are decided."""


def _of_one_account(settings: SettingsTable) -> SettingsTable:
    return replace(settings, open_requests_max=_QUOTA, commands_per_minute=_QUOTA, remembered_commands=_QUOTA)


def organisation(size: Organisation) -> GovernanceFile:
    """The demo's governance; `large` adds people, keys, groups and policies that the load does not use."""
    demo = read_governance_file(infra_path("demo/governance.toml"))
    demo = replace(demo, settings=_of_one_account(demo.settings))
    if size == "demo":
        return demo
    people = [f"person-{number}" for number in range(PRINCIPALS - len(demo.principals))]
    groups = [f"group-{number}" for number in range(GROUPS - len(demo.groups))]
    members = {name: people[at * _IN_A_GROUP : (at + 1) * _IN_A_GROUP] for at, name in enumerate(groups)}
    return replace(
        demo,
        principals=(
            *demo.principals,
            *(PrincipalTable(id=name, kind="human", person=name) for name in people),
        ),
        # Nobody signs with these keys. They only have to be skipped.
        keys=tuple(KeyTable(id=f"{name}-1", principal=name, public_key=_made_up(name)) for name in people),
        groups=(
            *demo.groups,
            *(GroupTable(id=name, members=tuple(of)) for name, of in members.items() if of),
        ),
        roles=(
            *demo.roles,
            RoleTable(role="requester", groups=tuple(name for name, of in members.items() if of)),
        ),
        policies=(*demo.policies, *(_policy(number) for number in range(POLICIES - len(demo.policies)))),
    )


def _policy(number: int) -> PolicyTable:
    return PolicyTable(
        id=f"policy-{number}",
        name=f"Policy {number}",
        resource_type=f"type-{number}",
        approvals=(
            ApprovalTable(quorum=2, groups=(f"group-{number}",)),
            ApprovalTable(quorum=1, groups=(f"group-{number + 1}", f"group-{number + 2}")),
        ),
    )


def _made_up(name: str) -> str:
    return to_base64url(bytes.fromhex(sha256_hex(name.encode())))
