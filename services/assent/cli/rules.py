"""Commands about settings and access policies, and about who meets them."""

from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli.options import (
    DEFAULT_CHANGING,
    DEFAULT_OPTIONS,
    DEFAULT_SENDER,
    Changing,
    Options,
    Sender,
)

settings = App(name="settings", group="Governance", help="Times, limits and switches for all requests.")
policies = App(name="policies", group="Governance", help="Access policies: what must be approved by whom.")
who_can = App(name="who-can", group="Requests", help="Who can do something.")

Policy = Annotated[str, Parameter(help="The policy's id.")]
Request = Annotated[str, Parameter(help="The request's id, such as 2-1041.")]
Duration = Annotated[str | None, Parameter(help="Such as 30d, 12h, 5m or 90s.")]
OnBehalfOf = Annotated[
    Literal["optional", "required"] | None,
    Parameter(help="R20: whether a service must name the person on whose behalf it submits."),
]
Approvals = Annotated[
    tuple[str, ...],
    Parameter(
        name="--approval",
        negative="",
        show_default=False,
        help="QUORUM:GROUP[,GROUP], such as 2:security,owners; say it for each: all must be met.",
    ),
]


@settings.command(name="show")
def show_settings(*, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """Show the settings."""
    from assent.cli import listing

    listing.settings(sender, options)


@settings.command(name="set")
def set_settings(
    *,
    expiry: Duration = None,
    lease: Duration = None,
    visibility: Duration = None,
    allow_unlicensed_admins: Annotated[
        bool | None, Parameter(help="R5: every approver group must be in a role assignment.")
    ] = None,
    unprotected: Annotated[
        Literal["refuse", "pass"] | None,
        Parameter(help="R18: what happens to changes of types that no policy protects."),
    ] = None,
    open_requests_max: Annotated[
        int | None, Parameter(validator=Number(gte=1), help="Open requests of one account in a partition.")
    ] = None,
    commands_per_minute: Annotated[
        int | None,
        Parameter(validator=Number(gte=1), help="Commands of one account to a partition in a minute."),
    ] = None,
    remembered_commands: Annotated[
        int | None,
        Parameter(
            validator=Number(gte=1),
            help="Ids of one account's commands that a partition remembers for a day.",
        ),
    ] = None,
    vanish_max_percent: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=100), help="How much of the directory may vanish at once."),
    ] = None,
    governance_own_signature: Annotated[
        bool | None,
        Parameter(help="Whether changes to governance are approved with the approver's own key only."),
    ] = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Change settings; what is not named stays. What loosens one needs a second administrator."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    make = change_builders.change_settings(
        {"expiry_ms": expiry, "lease_ms": lease, "visibility_ms": visibility},
        {
            "allow_unlicensed_admins": allow_unlicensed_admins,
            "unprotected": unprotected,
            "open_requests_max": open_requests_max,
            "commands_per_minute": commands_per_minute,
            "remembered_commands": remembered_commands,
            "vanish_max_percent": vanish_max_percent,
            "governance_own_signature": governance_own_signature,
        },
    )
    change(make, changing=changing, sender=sender, options=options)


@settings.command(name="correct-time")
def correct_time(
    to: Annotated[
        str, Parameter(help="The latest that log time can be, in UTC: 2026-11-24T10:00, or `now`.")
    ],
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Set log time back where it ran ahead, after clocks were put right. A second administrator must approve.

    Example: assent settings correct-time now -j "The broker's clock was a month ahead" --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.correct_time(to), changing=changing, sender=sender, options=options)


@policies.command(name="list")
def list_policies(*, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """List the access policies, each with a sentence that says what it asks for."""
    from assent.cli import listing

    listing.policies(sender, options)


@policies.command(name="show")
def show_policy(
    policy: Policy, *, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS
) -> None:
    """Show one access policy."""
    from assent.cli import listing

    listing.policy(policy, sender, options)


@policies.command(name="create")
def create_policy(
    policy: Annotated[
        str, Parameter(help="The policy's id; or a file FILE.toml with the fields of one [[policies]] table.")
    ],
    *,
    type_: Annotated[str | None, Parameter(name="--type", help="R2: the resource type it protects.")] = None,
    name: Annotated[str | None, Parameter(help="R2: its name; the id unless said.")] = None,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    approval: Approvals = (),
    rejections: Annotated[int | None, Parameter(help="Rejections that end a request; 1 unless said.")] = None,
    completion: Annotated[
        Literal["requester", "automatic"] | None, Parameter(help="R12: who releases what is approved.")
    ] = None,
    expiry: Duration = None,
    own_signature: Annotated[
        bool | None, Parameter(help="Only approvals signed with the approver's own key count.")
    ] = None,
    on_behalf_of: OnBehalfOf = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Protect a resource type (further). From the first policy on, policies protect themselves.

    Example: assent policies create apps --type app --approval 2:security --approval 1:owners --as bob
    """
    from assent.cli import policy_making
    from assent.cli.changing import change

    make = policy_making.create(
        policy,
        {
            "resource_type": type_,
            "name": name,
            "description": description,
            "rejections": rejections,
            "completion": completion,
            "own_signature": own_signature,
            "on_behalf_of": on_behalf_of,
        },
        approvals=approval,
        expiry=expiry,
    )
    change(make, changing=changing, sender=sender, options=options)


@policies.command(name="edit")
def edit_policy(
    policy: Annotated[
        str, Parameter(help="The policy's id; or a file FILE.toml with all the fields as they are to be.")
    ],
    *,
    name: Annotated[str | None, Parameter(help="R2: its name.")] = None,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    approval: Approvals = (),
    rejections: Annotated[int | None, Parameter(help="Rejections that end a request.")] = None,
    completion: Annotated[
        Literal["requester", "automatic"] | None, Parameter(help="R12: who releases what is approved.")
    ] = None,
    expiry: Duration = None,
    own_signature: Annotated[
        bool | None, Parameter(help="Only approvals signed with the approver's own key count.")
    ] = None,
    on_behalf_of: OnBehalfOf = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Change what a policy asks for; what is not named stays. Open requests must meet both, old and new."""
    from assent.cli import policy_making
    from assent.cli.changing import change

    make = policy_making.edit(
        policy,
        {
            "name": name,
            "description": description,
            "rejections": rejections,
            "completion": completion,
            "own_signature": own_signature,
            "on_behalf_of": on_behalf_of,
        },
        approvals=approval,
        expiry=expiry,
    )
    change(make, changing=changing, sender=sender, options=options)


@policies.command(name="delete")
def delete_policy(
    policy: Policy,
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Take a policy away. It approves nothing any more, what it had approved before included."""
    from assent.cli import policy_making
    from assent.cli.changing import change

    change(policy_making.delete(policy), changing=changing, sender=sender, options=options)


@who_can.command(name="approve")
def who_can_approve(
    request: Request, *, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS
) -> None:
    """List the accounts whose approval of a request would count now."""
    from assent.cli import explaining

    explaining.who_can_approve(request, sender=sender, options=options)


def explain(
    request: Request,
    *,
    for_: Annotated[
        str | None, Parameter(name="--for", help="Say whether this account can approve it, and if not, why.")
    ] = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Explain where a request stands: rule by rule who has approved, what is missing, who could give it."""
    from assent.cli import explaining

    explaining.explain_request(request, principal=for_, sender=sender, options=options)
