"""Commands about signing keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import (
    DEFAULT_ACCESS,
    DEFAULT_CHANGE_OPTIONS,
    DEFAULT_OPTIONS,
    AccessOptions,
    ChangeOptions,
    Options,
)

if TYPE_CHECKING:
    from assent_contracts.core.governance.principals_and_keys import Key

keys = App(name="keys", group="Governance", help="Signing keys.")

KeyId = Annotated[str, Parameter(help="The key's id; `assent keys list` lists them.")]


@keys.command(name="new")
def new(
    principal: Annotated[str, Parameter(help="The principal that the key signs for.")],
    *,
    key_id: Annotated[
        str | None, Parameter(name="--id", help="The key's id; PRINCIPAL-1 by default.")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="Where to write it; DATA/keys/PRINCIPAL.key by default.")
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make a signing key; prints the public half, which goes into the governance file."""
    from assent_contracts.client.keys import SecretKey
    from assent_contracts.codec import is_identifier
    from assent_contracts.limits import NAME_MAX_CHARS

    key_id = key_id or f"{principal}-1"
    for what, text in (("principal", principal), ("key id", key_id)):
        if not is_identifier(text, NAME_MAX_CHARS) or any(each in text for each in '/"\\') or text[0] == ".":
            output.fail(
                f"{text!r} cannot be a {what} here: 1 to {NAME_MAX_CHARS} printable ASCII characters,"
                " without spaces, quotes and slashes, not beginning with a dot.",
                output.REFUSED,
            )
    secret = SecretKey(key_id, principal)
    path = out or options.data / "keys" / f"{principal}.key"
    try:
        secret.save(path)
    except FileExistsError:
        output.fail(
            f"{path} exists already, and keys are never replaced. Choose another --out.", output.REFUSED
        )
    if options.json:
        output.print_json(
            {"id": secret.id, "principal": principal, "public_key": secret.public, "file": str(path)}
        )
        return
    output.print_progress(
        f"Wrote {path}; keep it secret. It counts once the log knows its public key. Before `assent init`"
        " that goes into the governance file, as below. Afterwards:"
        f" `assent keys register {secret.public} --id {secret.id} --for {principal}`;"
        f" for a decider `assent writers add {secret.public} --id {secret.id}`."
    )
    for line in (
        "[[keys]]",
        f'id = "{secret.id}"',
        f'principal = "{principal}"',
        f'public_key = "{secret.public}"',
    ):
        output.print_line(line)


@keys.command(name="list")
def list_keys(
    *,
    of: Annotated[str | None, Parameter(help="Only those of this account.")] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List the registered keys, and until when they are valid."""
    from assent.cli.connection.log_selection import governance_now
    from assent.cli.governance_tables import print_table
    from assent_contracts.digests import to_base64url

    governance = governance_now(access, options)
    found = {key_id: key for key_id, key in governance.keys.items() if of in {None, key.principal}}
    if options.json:
        output.print_json([key_document(*each) for each in found.items()])
        return
    rows = (
        (key_id, key.principal, validity(key), to_base64url(key.public_key)) for key_id, key in found.items()
    )
    print_table(("key", "account", "valid", "public key"), rows, empty="No keys.")


def key_document(key_id: str, key: "Key") -> dict[str, Any]:
    """A registered key for `--json`."""
    import msgspec

    from assent_contracts.client.publisher import now_ms
    from assent_contracts.digests import to_base64url

    fields = msgspec.structs.asdict(key)
    return {
        "id": key_id,
        **fields,
        "public_key": to_base64url(key.public_key),
        "valid": key.is_valid(now_ms()),
    }


def validity(key: "Key") -> str:
    """When a registered key is valid, as of now."""
    from assent_contracts.client.publisher import now_ms
    from assent_contracts.core.governance.number_words import moment

    at = now_ms()
    if key.revoked:
        return "revoked"
    if at >= key.not_after:
        return f"ended {moment(key.not_after)}"
    if at < key.not_before:
        return f"from {moment(key.not_before)}"
    end = moment(key.not_after)
    return end if end == "for ever" else f"until {end}"


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
    for_: Annotated[str | None, Parameter(name="--for", help="Whose key it is; your own by default.")] = None,
    valid: Annotated[
        str | None, Parameter(help="How long it is valid, such as 90d or 12h; without end by default.")
    ] = None,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Register a signing key. A person's own works at once; any other needs a second administrator.

    The key's holder and all administrators are notified.

    Example: assent keys register V0xw...aM8 --id bob-2 --valid 365d --as bob
    """
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.governance_change import change_governance, milliseconds
    from assent_contracts.client.publisher import now_ms
    from assent_contracts.governance_changes import RegisterKey
    from assent_contracts.governance_objects import SigningKey
    from assent_contracts.limits import FOR_EVER_MS

    holder = for_ or signing_key_of(access, options).principal
    not_after = FOR_EVER_MS if valid is None else now_ms() + milliseconds("--valid", valid)
    key = SigningKey(id=key_id, principal=holder, public_key=public, not_before=0, not_after=not_after)
    change_governance(
        lambda _: RegisterKey(key=key),
        change_options=change_options,
        access=access,
        options=options,
    )


@keys.command(name="expire")
def expire_key(
    key_id: KeyId,
    *,
    after: Annotated[str, Parameter(name="--in", help="When it ends, from now, such as 7d or 12h.")],
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let a key end earlier than planned. Works at once."""
    from assent.cli.governance_change import change_governance, milliseconds
    from assent_contracts.client.publisher import now_ms
    from assent_contracts.governance_changes import ExpireKey

    not_after = now_ms() + milliseconds("--in", after)
    change_governance(
        lambda _: ExpireKey(key=key_id, not_after=not_after),
        change_options=change_options,
        access=access,
        options=options,
    )


@keys.command(name="revoke")
def revoke_key(
    key_id: Annotated[str | None, Parameter(help="The key's id; `assent keys list` lists them.")] = None,
    *,
    all_of: Annotated[
        str | None,
        Parameter(help="Instead of one key, all keys of this account, also any that you do not know of."),
    ] = None,
    change_options: ChangeOptions = DEFAULT_CHANGE_OPTIONS,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Revoke a key, or all keys of an account, for good. Works at once."""
    if (key_id is None) == (all_of is None):
        output.fail("Name one key, or an account: --all-of ACCOUNT.")
    from assent.cli.governance_change import change_governance
    from assent_contracts.governance_changes import RevokeKey, RevokeKeys

    change = RevokeKeys(principal=all_of or "") if key_id is None else RevokeKey(key=key_id)
    change_governance(lambda _: change, change_options=change_options, access=access, options=options)
