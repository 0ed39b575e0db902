"""Policies of the command line, or of a TOML file, as changes."""

import re
from pathlib import Path
from typing import Any

import msgspec

from assent.cli import output
from assent.cli.change_builders import Make, milliseconds, version
from assent.founding.file import FILE_MAX_BYTES, GovernanceFileError, PolicyTable
from assent.founding.meaning import policy_of
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import (
    CreatePolicy,
    DeletePolicy,
    EditPolicy,
    GovernanceChange,
    policy_object,
)
from assent_contracts.policies import ApprovalRule, Policy

_APPROVAL = re.compile(r"([0-9]{1,3}):(.+)")


def create(name: str, fields: dict[str, Any], *, approvals: tuple[str, ...], expiry: str | None) -> Make:
    """`assent policies create`; `fields` that are None have not been said."""
    said = _said(fields, approvals, expiry)
    if _is_file(name):
        policy = _from_file(name, said)
    else:
        missing = [
            option
            for field, option in (("resource_type", "--type"), ("approvals", "--approval"))
            if field not in said
        ]
        if missing:
            output.fail(f"Say {' and '.join(missing)}; or name a FILE.toml that does.")
        policy = Policy(**{"id": name, "name": name, **said})
    return lambda _: CreatePolicy(policy=policy)


def edit(name: str, fields: dict[str, Any], *, approvals: tuple[str, ...], expiry: str | None) -> Make:
    """`assent policies edit`; `fields` that are None stay as they are."""
    said = _said(fields, approvals, expiry)
    if _is_file(name):
        whole = _from_file(name, said)
        return lambda governance: EditPolicy(
            policy=whole, version=version(governance, policy_object(whole.id))
        )
    if not said:
        output.fail("Say what to change: `assent policies edit --help` lists the options.")

    def make(governance: Governance) -> GovernanceChange:
        before = governance.policies.get(name)
        if before is None:
            output.fail(f"There is no policy {name!r}; `assent policies list` lists them.")
        policy = msgspec.structs.replace(before, **said)
        return EditPolicy(policy=policy, version=version(governance, policy_object(name)))

    return make


def delete(name: str) -> Make:
    """`assent policies delete`."""
    return lambda governance: DeletePolicy(policy=name, version=version(governance, policy_object(name)))


def _said(fields: dict[str, Any], approvals: tuple[str, ...], expiry: str | None) -> dict[str, Any]:
    said = {name: value for name, value in fields.items() if value is not None}
    if approvals:
        said["approvals"] = tuple(_rule(each) for each in approvals)
    if expiry is not None:
        said["expiry_ms"] = milliseconds("--expiry", expiry)
    return said


def _rule(text: str) -> ApprovalRule:
    match = _APPROVAL.fullmatch(text)
    if match is None:
        output.fail(f"--approval {text!r}: write QUORUM:GROUP[,GROUP], such as 2:security,owners.")
    return ApprovalRule(quorum=int(match[1]), groups=tuple(group.strip() for group in match[2].split(",")))


def _is_file(name: str) -> bool:
    return name.endswith(".toml") or "/" in name


def _from_file(name: str, said: dict[str, Any]) -> Policy:
    if said:
        output.fail("Take either FILE.toml or the options.")
    path = Path(name)
    with path.open("rb") as file:
        content = file.read(FILE_MAX_BYTES + 1)
    if len(content) > FILE_MAX_BYTES:
        output.fail(f"{path} is larger than {FILE_MAX_BYTES:,} bytes.")
    try:
        return policy_of(msgspec.toml.decode(content, type=PolicyTable))
    except GovernanceFileError as error:
        output.fail(f"{path}: {error}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        output.fail(f"{path}: {error}.")
