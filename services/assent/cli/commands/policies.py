"""Commands about access policies (R2, R3, R5)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.commands.settings import Duration
from assent.cli.options import (
    DEFAULT_ACCESS,
    DEFAULT_CHANGE_OPTIONS,
    DEFAULT_OPTIONS,
    AccessOptions,
    ChangeOptions,
    Options,
)

if TYPE_CHECKING:
    from assent_contracts.core.governance.state import Governance
    from assent_contracts.governance_changes import GovernanceChange

policies = App(name="policies", group="Governance", help="Access policies: what must be approved by whom.")

Demanded = Literal["impact", "fallback", "tested", "expected", "emergency", "tickets", "none"]
PolicyId = Annotated[str, Parameter(help="The policy's id.")]


@Parameter(name="*")
@dataclass(frozen=True)
class PolicyOptions:
    """What a policy can ask for. None, and no approval, for what the command line does not name."""

    name: Annotated[
        str | None, Parameter(help="R2: its name; that of a new policy is its id by default.")
    ] = None

    description: str | None = None
    "What it is for."

    approval: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    "QUORUM:GROUP[,GROUP], such as 2:security,owners; repeat it for several: all must be met."

    rejections: int | None = None
    "Rejections that end a request; 1 for a new policy by default."

    completion: Literal["requester", "automatic"] | None = None
    "R12: who releases what is approved."

    expiry: Duration = None

    own_signature: bool | None = None
    "Only approvals signed with the approver's own key count."

    on_behalf_of: Literal["optional", "required"] | None = None
    "R20: whether a service must name the person on whose behalf it submits."

    separate_operator: bool | None = None
    "R25: requester, approvers and the applier's operator must be different people."

    stale_base: Literal["show", "refuse"] | None = None
    "R26: what happens to a submission from an older version than the newest known one."

    freeze: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    "R27: 'FROM TO REASON', a period in which nothing is released or claimed; repeat it, or `none` for none."

    emergency_passes_freeze: bool | None = None
    "R27: a change that states that it is an emergency is not held up by freeze periods."

    demand: Annotated[tuple[Demanded, ...], Parameter(negative="", show_default=False)] = ()
    "R24: a field that a submission must have; repeat it for several. `none` demands nothing any more."

    settlements: Literal[1, 2] | None = None
    "How many administrators must agree before an unknown outcome is settled."


DEFAULT_POLICY_OPTIONS = PolicyOptions()


@policies.command(name="list")
def list_policies(*, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS) -> None:
    """List the access policies, each with a sentence about what it asks for."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table
    from assent_contracts.core.governance.policies import policy_sentence

    governance = governance_now(access, options)
    if options.json:
        output.print_json([_document(governance, name) for name in governance.policies])
        return
    rows = (
        (each.id, each.resource_type, policy_sentence(each, governance))
        for each in governance.policies.values()
    )
    print_table(("policy", "protects", "asks for"), rows, empty="No policies: nothing is protected.")


def _document(governance: "Governance", name: str) -> dict[str, Any]:
    import msgspec

    from assent_contracts.core.governance.policies import policy_sentence
    from assent_contracts.governance_changes import policy_object

    found = governance.policies[name]
    return {
        **msgspec.structs.asdict(found),
        "version": governance.version(policy_object(name)),
        "sentence": policy_sentence(found, governance),
    }


@policies.command(name="show")
def show_policy(
    policy: PolicyId, *, access: AccessOptions = DEFAULT_ACCESS, options: Options = DEFAULT_OPTIONS
) -> None:
    """Show one access policy."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_facts

    governance = governance_now(access, options)
    found = governance.policies.get(policy)
    if found is None:
        output.fail(f"There is no policy {policy!r}; `assent policies list` lists them.")
    document = _document(governance, policy)
    if options.json:
        output.print_json(document)
        return
    print_facts(
        [
            ("policy", policy),
            ("name", found.name),
            *([("description", found.description)] if found.description else []),
            ("protects", found.resource_type),
            ("version", str(document["version"])),
        ]
    )
    output.print_line(document["sentence"])


@policies.command(name="create")
def create_policy(
    policy: Annotated[
        str, Parameter(help="The policy's id; or a file FILE.toml with the fields of one [[policies]] table.")
    ],
    *,
    type_: Annotated[str | None, Parameter(name="--type", help="R2: the resource type it protects.")] = None,
    policy_options: PolicyOptions = DEFAULT_POLICY_OPTIONS,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Create a policy that protects a resource type. From the first one on, policies protect themselves.

    Example: assent policies create apps --type app --approval 2:security --approval 1:owners --as bob
    """
    from assent.cli.governance_change import change_governance
    from assent.cli.policy_options import given_fields, is_policy_file, new_policy, policy_of_file
    from assent_contracts.governance_changes import CreatePolicy

    fields = given_fields(policy_options, resource_type=type_)
    new = policy_of_file(policy, fields) if is_policy_file(policy) else new_policy(policy, fields)
    change_governance(
        lambda _: CreatePolicy(policy=new), change_options=change_options, access=access, options=options
    )


@policies.command(name="edit")
def edit_policy(
    policy: Annotated[
        str, Parameter(help="The policy's id; or a file FILE.toml with all the fields of the new state.")
    ],
    *,
    policy_options: PolicyOptions = DEFAULT_POLICY_OPTIONS,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Change what a policy asks for; the rest stays. Open requests must meet both old and new terms."""
    from assent.cli.governance_change import change_governance, version
    from assent.cli.policy_options import edited_policy, given_fields, is_policy_file, policy_of_file
    from assent_contracts.governance_changes import EditPolicy, policy_object

    fields = given_fields(policy_options)
    whole = policy_of_file(policy, fields) if is_policy_file(policy) else None
    if whole is None and not fields:
        output.fail("Say what to change: `assent policies edit --help` lists the options.")

    def edited(governance: "Governance") -> "GovernanceChange":
        new = edited_policy(governance, policy, fields) if whole is None else whole
        return EditPolicy(policy=new, version=version(governance, policy_object(new.id)))

    change_governance(edited, change_options=change_options, access=access, options=options)


@policies.command(name="delete")
def delete_policy(
    policy: PolicyId,
    *,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Delete a policy. Approvals under it no longer count, earlier ones included."""
    from assent.cli.governance_change import change_governance, version
    from assent_contracts.governance_changes import DeletePolicy, policy_object

    change_governance(
        lambda governance: DeletePolicy(policy=policy, version=version(governance, policy_object(policy))),
        change_options=change_options,
        access=access,
        options=options,
    )
