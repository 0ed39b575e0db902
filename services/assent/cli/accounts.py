"""Commands about accounts and their keys."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from assent.cli.founding import keys
from assent.cli.options import (
    DEFAULT_CHANGING,
    DEFAULT_OPTIONS,
    DEFAULT_SENDER,
    Changing,
    Options,
    Sender,
)

principals = App(name="principals", group="Governance", help="Accounts: who there is.")

Principal = Annotated[str, Parameter(help="The account's id.")]
Key = Annotated[str, Parameter(help="The key's id; `assent keys list` lists them.")]


@principals.command(name="list")
def list_principals(*, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS) -> None:
    """List all accounts."""
    from assent.cli import listing

    listing.principals(sender, options)


@principals.command(name="show")
def show_principal(
    principal: Principal, *, sender: Sender = DEFAULT_SENDER, options: Options = DEFAULT_OPTIONS
) -> None:
    """Show one account: its person, groups, roles and keys."""
    from assent.cli import listing

    listing.principal(principal, sender, options)


@principals.command(name="register")
def register_principal(
    principal: Principal,
    *,
    person: Annotated[
        str | None,
        Parameter(help="Who is behind it: two accounts of one person count as one (R9). Humans only."),
    ] = None,
    kind: Annotated[
        Literal["human", "service"] | None, Parameter(help="human with --person, else service.")
    ] = None,
    name: Annotated[str, Parameter(show_default=False, help="Its name, for people.")] = "",
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make an account known. It can do nothing until it has a role and a key.

    Example: assent principals register erin --person erin.novak --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    make = change_builders.register_principal(principal, kind=kind, person=person, name=name)
    change(make, changing=changing, sender=sender, options=options)


@principals.command(name="disable")
def disable_principal(
    principal: Principal,
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let an account do nothing any more; its approvals stop counting. Works at once."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.disable_principal(principal), changing=changing, sender=sender, options=options)


@principals.command(name="enable")
def enable_principal(
    principal: Principal,
    *,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a disabled account act again."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.enable_principal(principal), changing=changing, sender=sender, options=options)


@keys.command(name="list")
def list_keys(
    *,
    of: Annotated[str | None, Parameter(help="Only those of this account.")] = None,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List the registered keys, and until when they are valid."""
    from assent.cli import listing

    listing.keys(of, sender, options)


@keys.command(name="register")
def register_key(
    public: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True, help="The public key, as `assent keys new` prints it (base64url)."
        ),
    ],
    *,
    key_id: Annotated[str, Parameter(name="--id", help="The key's id, as its file names it.")],
    for_: Annotated[
        str | None, Parameter(name="--for", help="Whose key it is; your own unless said.")
    ] = None,
    valid: Annotated[
        str | None, Parameter(help="How long it is valid, such as 90d or 12h; for ever unless said.")
    ] = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a key sign. A person's own works at once; any other needs a second administrator's approval.

    The key's holder and all administrators are told of it.

    Example: assent keys register V0xw...aM8 --id bob-2 --valid 365d --as bob
    """
    from assent.cli import change_builders
    from assent.cli.changing import change

    make = change_builders.register_key(
        public, key_id=key_id, principal=for_, valid=valid, sender=sender, options=options
    )
    change(make, changing=changing, sender=sender, options=options)


@keys.command(name="expire")
def expire_key(
    key_id: Key,
    *,
    after: Annotated[str, Parameter(name="--in", help="How long from now it ends, such as 7d or 12h.")],
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a key end earlier than it was to. Works at once."""
    from assent.cli import change_builders
    from assent.cli.changing import change

    change(change_builders.expire_key(key_id, after), changing=changing, sender=sender, options=options)


@keys.command(name="revoke")
def revoke_key(
    key_id: Annotated[str | None, Parameter(help="The key's id; `assent keys list` lists them.")] = None,
    *,
    all_of: Annotated[
        str | None,
        Parameter(help="Instead of one key: all keys of this account, newer ones than you know too."),
    ] = None,
    changing: Changing = DEFAULT_CHANGING,
    sender: Sender = DEFAULT_SENDER,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a key, or all keys of an account, sign nothing any more, for good. Works at once."""
    from assent.cli import change_builders, output
    from assent.cli.changing import change

    if (key_id is None) == (all_of is None):
        output.fail("Name one key, or an account: --all-of ACCOUNT.")
    make = (
        change_builders.revoke_key(key_id)
        if key_id is not None
        else change_builders.revoke_keys(all_of or "")
    )
    change(make, changing=changing, sender=sender, options=options)
