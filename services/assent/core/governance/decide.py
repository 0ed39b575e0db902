"""What a governance command makes true, or why it is refused.

For now the founding only: the founder's key sets everything up and is then dead for good.
"""

from typing import assert_never

from assent.core.governance.eligible import eligible_people
from assent.core.governance.state import Governance
from assent_contracts import limits
from assent_contracts.codec import is_identifier
from assent_contracts.digests import from_base64url
from assent_contracts.governance import (
    Account,
    AssignRole,
    ChangeSettings,
    CloseFounding,
    CreatePolicy,
    DefineGroup,
    Founding,
    FoundingClosed,
    FoundLog,
    GovernanceCommand,
    GovernanceEvent,
    Group,
    GroupDefined,
    KeyRegistered,
    LogFounded,
    Policy,
    PolicyCreated,
    PrincipalRegistered,
    RegisterKey,
    RegisterPrincipal,
    RoleAssigned,
    RoleAssignment,
    SettingsChanged,
    SigningKey,
)
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import has_control_characters, is_type_name
from assent_contracts.signing import PUBLIC_KEY_BYTES

Decision = tuple[GovernanceEvent, ...] | Refusal


def decide(governance: Governance, command: GovernanceCommand) -> Decision:
    """Decide a command that the founder's key has signed."""
    if isinstance(command, FoundLog):
        return _found(governance, command.founding)
    if governance.founder is None:
        return _refuse(RefusalCode.NOT_PERMITTED, "The founding is closed.")
    match command:
        case RegisterPrincipal():
            return _register_principal(governance, command.account)
        case RegisterKey():
            return _register_key(governance, command.key)
        case DefineGroup():
            return _define_group(governance, command.group)
        case AssignRole():
            return _assign_role(governance, command.assignment)
        case ChangeSettings():
            return (SettingsChanged(settings=command.settings),)
        case CreatePolicy():
            return _create_policy(governance, command.policy)
        case CloseFounding():
            return _close(governance)
        case _:
            assert_never(command)


def _found(governance: Governance, founding: Founding) -> Decision:
    if governance.seq != -1:
        return _refuse(RefusalCode.NOT_PERMITTED, "This log is founded already.")
    keys = (founding.founder, *founding.writers.values())
    names_are_good = all(is_identifier(name, limits.NAME_MAX_CHARS) for name in founding.writers)
    if not founding.writers or not names_are_good or not all(_is_public_key(key) for key in keys):
        return _refuse(RefusalCode.MALFORMED, "A log needs a writer, and 32-byte Ed25519 keys.")
    return (LogFounded(founding=founding),)


def _register_principal(governance: Governance, account: Account) -> Decision:
    if not is_identifier(account.id, limits.NAME_MAX_CHARS) or account.id in governance.principals:
        return _refuse(RefusalCode.MALFORMED, f"principal {account.id!r} is no new identifier.")
    if (account.kind == "human") != (account.person is not None):
        return _refuse(RefusalCode.MALFORMED, f"{account.id}: a human has a person id, a service has none.")
    if account.person is not None and not is_identifier(account.person, limits.NAME_MAX_CHARS):
        return _refuse(RefusalCode.MALFORMED, f"{account.id}: the person id is no identifier.")
    if _is_bad_text(account.name, limits.NAME_MAX_CHARS):
        return _refuse(RefusalCode.MALFORMED, f"{account.id}: the name has at most 128 characters.")
    return (PrincipalRegistered(account=account),)


def _register_key(governance: Governance, key: SigningKey) -> Decision:
    if not is_identifier(key.id, limits.NAME_MAX_CHARS) or key.id in governance.keys:
        return _refuse(RefusalCode.MALFORMED, f"key {key.id!r} is no new identifier.")
    if key.principal not in governance.principals:
        return _refuse(RefusalCode.MALFORMED, f"key {key.id}: there is no principal {key.principal!r}.")
    if not _is_public_key(key.public_key):
        return _refuse(RefusalCode.MALFORMED, f"key {key.id} is not 32 bytes in base64url.")
    if key.not_before >= key.not_after:
        return _refuse(RefusalCode.MALFORMED, f"key {key.id} is never valid: see not_before and not_after.")
    if from_base64url(key.public_key) in governance.public_keys:
        # One key behind two names would let its holder sign as two principals.
        return _refuse(RefusalCode.MALFORMED, f"key {key.id}: the same key is registered already.")
    return (KeyRegistered(key=key),)


def _define_group(governance: Governance, group: Group) -> Decision:
    if not is_identifier(group.id, limits.NAME_MAX_CHARS):
        return _refuse(RefusalCode.MALFORMED, f"group {group.id!r} is no identifier.")
    if len(group.members) > limits.MEMBERS_MAX:
        return _refuse(RefusalCode.TOO_LARGE, f"group {group.id}: at most {limits.MEMBERS_MAX:,} members.")
    if _is_bad_text(group.name, limits.NAME_MAX_CHARS):
        return _refuse(RefusalCode.MALFORMED, f"group {group.id}: the name has at most 128 characters.")
    unknown = [member for member in group.members if member not in governance.principals]
    if unknown:
        return _refuse(RefusalCode.MALFORMED, f"group {group.id}: there is no principal {unknown[0]!r}.")
    return (GroupDefined(group=group),)


def _assign_role(governance: Governance, assignment: RoleAssignment) -> Decision:
    if not is_identifier(assignment.id, limits.NAME_MAX_CHARS) or assignment.id in governance.assignments:
        return _refuse(RefusalCode.MALFORMED, f"role assignment {assignment.id!r} is no new identifier.")
    for group in assignment.groups:
        if group not in governance.groups:
            return _refuse(RefusalCode.MALFORMED, f"role {assignment.role}: there is no group {group!r}.")
    for principal in assignment.principals:
        if principal not in governance.principals:
            return _refuse(
                RefusalCode.MALFORMED, f"role {assignment.role}: there is no principal {principal!r}."
            )
    if not all(is_type_name(kind) for kind in assignment.resource_types):
        return _refuse(RefusalCode.MALFORMED, f"role {assignment.role}: that is no resource type.")
    return (RoleAssigned(assignment=assignment),)


def _create_policy(governance: Governance, policy: Policy) -> Decision:
    return (
        _invalid_policy(governance, policy)
        or _groups_refusal(governance, policy)
        or _quorum_refusal(governance, policy)
        or (PolicyCreated(policy=policy),)
    )


def _invalid_policy(governance: Governance, policy: Policy) -> Refusal | None:
    """R2: the policy's own fields."""
    if not is_identifier(policy.id, limits.NAME_MAX_CHARS) or policy.id in governance.policies:
        return _refuse(RefusalCode.POLICY_INVALID, f"policy {policy.id!r} is no new identifier.")
    if not 0 < len(policy.name) <= limits.NAME_MAX_CHARS or has_control_characters(policy.name):
        return _refuse(RefusalCode.POLICY_INVALID, "A policy's name has 1 to 128 characters.")
    if _is_bad_text(policy.description, limits.DESCRIPTION_MAX_CHARS, allowed="\n\t"):
        return _refuse(RefusalCode.POLICY_INVALID, "A policy's description has at most 1,024 characters.")
    if not is_type_name(policy.resource_type):
        return _refuse(RefusalCode.POLICY_INVALID, "A policy protects exactly one resource type.")
    if not 0 < len(policy.groups) <= limits.GROUPS_MAX:
        return _refuse(RefusalCode.POLICY_INVALID, "A policy has 1 to 64 approver groups.")
    return None


def _groups_refusal(governance: Governance, policy: Policy) -> Refusal | None:
    in_assignments = {group for assignment in governance.assignments.values() for group in assignment.groups}
    for group in policy.groups:
        if group not in governance.groups:
            return _refuse(RefusalCode.POLICY_INVALID, f"policy {policy.id}: there is no group {group!r}.")
        if governance.settings.allow_unlicensed_admins and group not in in_assignments:
            # R5
            return _refuse(
                RefusalCode.POLICY_INVALID, f"policy {policy.id}: group {group} is in no role assignment."
            )
    return None


def _quorum_refusal(governance: Governance, policy: Policy) -> Refusal | None:
    people = eligible_people(governance, policy.groups)
    # Any one of them may be the requester, who cannot approve their own request (R9).
    if policy.quorum > len(people) - 1:
        return _refuse(
            RefusalCode.POLICY_UNSATISFIABLE,
            f"policy {policy.id} asks for {policy.quorum} approvals beside the requester's;"
            f" its groups have {len(people)} eligible people.",
        )
    administrators = {
        principal.person
        for holder in governance.holders("administrator", policy.resource_type)
        if (principal := governance.principals[holder]).person is not None and principal.enabled
    }
    if len(administrators) < 2:
        return _refuse(RefusalCode.POLICY_UNSATISFIABLE, "R3: a policy needs two administrators first.")
    return None


def _close(governance: Governance) -> Decision:
    if governance.policies or governance.settings.unprotected == "pass":
        return (FoundingClosed(),)
    return _refuse(
        RefusalCode.POLICY_INVALID, "Without a policy every change would be refused: name at least one."
    )


def _is_bad_text(text: str, max_chars: int, *, allowed: str = "") -> bool:
    return len(text) > max_chars or has_control_characters(text, allowed)


def _is_public_key(text: str) -> bool:
    try:
        return len(from_base64url(text)) == PUBLIC_KEY_BYTES
    except ValueError:
        return False


def _refuse(code: RefusalCode, detail: str) -> Refusal:
    return Refusal(code=code, detail=detail)
