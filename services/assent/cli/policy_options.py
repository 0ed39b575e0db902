"""A policy as the options of the command line, or a TOML file, describe it."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from assent.cli import output
from assent.cli.commands.policies import PolicyOptions
from assent.cli.governance_change import milliseconds
from assent.founding.governance_file import FILE_MAX_BYTES, GovernanceFileError, PolicyTable
from assent.founding.table_meaning import policy_of
from assent.reading.utc_times import freeze_of
from assent_contracts.access_policies import ApprovalRule, Freeze, Policy
from assent_contracts.core.governance.state import Governance

_APPROVAL = re.compile(r"([0-9]{1,3}):(.+)")


def given_fields(options: PolicyOptions, *, resource_type: str | None = None) -> dict[str, Any]:
    """The policy's fields that the command line names; those that are None are not given."""
    fields: dict[str, Any] = {"resource_type": resource_type, **asdict(options)}
    approvals, expiry = fields.pop("approval"), fields.pop("expiry")
    demands, freezes = fields.pop("demand"), fields.pop("freeze")
    given = {name: value for name, value in fields.items() if value is not None}
    if demands:
        given["demands"] = _demands(demands)
    if freezes:
        given["freezes"] = () if freezes == ("none",) else tuple(map(_freeze, freezes))
    if approvals:
        given["approvals"] = tuple(_rule(each) for each in approvals)
    if expiry is not None:
        given["expiry_ms"] = milliseconds("--expiry", expiry)
    return given


def _freeze(text: str) -> Freeze:
    found = freeze_of(text)
    if found is None:
        output.fail(
            f"--freeze {text!r}: write 'FROM TO REASON', such as"
            " '2026-12-20T00:00Z 2027-01-03T00:00Z Year end'."
        )
    return found


def _demands(named: tuple[str, ...]) -> tuple[str, ...]:
    if "none" not in named:
        return named
    if len(named) > 1:
        output.fail("--demand none stands alone.")
    return ()


def _rule(text: str) -> ApprovalRule:
    match = _APPROVAL.fullmatch(text)
    if match is None:
        output.fail(f"--approval {text!r}: write QUORUM:GROUP[,GROUP], such as 2:security,owners.")
    return ApprovalRule(quorum=int(match[1]), groups=tuple(group.strip() for group in match[2].split(",")))


def new_policy(name: str, fields: dict[str, Any]) -> Policy:
    """R2: a policy of these fields. Exits where some are missing."""
    missing = [
        option
        for field, option in (("resource_type", "--type"), ("approvals", "--approval"))
        if field not in fields
    ]
    if missing:
        output.fail(f"Say {' and '.join(missing)}; or name a FILE.toml that does.")
    return Policy(**{"id": name, "name": name, **fields})


def edited_policy(governance: Governance, name: str, fields: dict[str, Any]) -> Policy:
    """The current policy with these fields changed. Exits where there is none."""
    before = governance.policies.get(name)
    if before is None:
        output.fail(f"There is no policy {name!r}; `assent policies list` lists them.")
    return msgspec.structs.replace(before, **fields)


def is_policy_file(name: str) -> bool:
    """Whether this is the name of a TOML file, and not of a policy."""
    return name.endswith(".toml") or "/" in name


def policy_of_file(name: str, fields: dict[str, Any]) -> Policy:
    """The policy in a TOML file. Exits where it is not one, or `fields` has anything."""
    if fields:
        output.fail("Use either FILE.toml or the options.")
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
