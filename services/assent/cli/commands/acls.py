"""Commands about the rights of logins on Kafka."""

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent.ledger.acl_application import AppliedRights

acls = App(name="acls", group="System", help="Rights of logins on Kafka.")


@acls.command(name="apply")
def apply(
    *,
    login: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="ROLE=LOGIN: the login of a role that is not called like it. Repeat it for other roles, and"
            " for a role with several logins.",
        ),
    ] = (),
    founding: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Also give `founder` the right to write the first records, for `assent init`.",
        ),
    ] = False,
    remove_others: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Take rights away that a login should not have."),
    ] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only print what would be done.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Give each login on the cluster of ASSENT_KAFKA the rights that it needs: see infra/acls.yaml.

    Adds rights that are missing. Names rights that a login has in addition (on a topic or group of Assent, or
    on the cluster), and exits 1 while there are such. The login that runs this must be one of the brokers'
    super.users, or have Alter on the cluster.
    """
    import asyncio
    import os

    from assent.ledger.acl_application import apply_acls
    from assent.process_settings import read_connection

    applied = asyncio.run(
        apply_acls(
            read_connection(os.environ),
            logins=_logins(login),
            founding=founding,
            remove_others=remove_others,
            dry_run=dry_run,
        )
    )
    if options.json:
        output.print_json(applied)
    else:
        _print_applied(applied, dry_run=dry_run)
    if applied.surplus:
        output.fail(
            f"{len(applied.surplus)} rights are not in infra/acls.yaml. `--remove-others` takes them away."
        )


def _logins(texts: "Sequence[str]") -> dict[str, list[str]]:
    logins: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        role, equals, name = text.partition("=")
        if not (role and equals and name):
            output.fail(f"--login is ROLE=LOGIN, such as decider=svc-decider, and not {text!r}.")
        logins[role].append(name.removeprefix("User:"))
    return logins


def _print_applied(applied: "AppliedRights", *, dry_run: bool) -> None:
    for right in applied.added:
        output.print_line(f"{'Missing' if dry_run else 'Added'}: {right}.")
    for right in applied.removed:
        output.print_line(f"{'Would be removed' if dry_run else 'Removed'}: {right}.")
    for right in applied.surplus:
        output.print_line(f"Not in infra/acls.yaml: {right}.")
    for right in applied.others:
        output.print_line(f"Of another program: {right}. Only services of Assent write to this topic.")
    if not (applied.added or applied.removed or applied.surplus):
        output.print_line(f"Nothing to do: all {applied.required} rights are there, and no others.")
