"""Commands for use when a part of the log is lost."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

if TYPE_CHECKING:
    from assent.cli.loss_plan import LossPlan
    from assent.decider.loss_acceptance import AcceptedLoss
    from assent_contracts.client.keys import SecretKey
    from assent_contracts.refusals import Refusal

restore = App(name="restore", group="System", help="Continue after a part of the log was lost.")


@restore.command(name="accept")
def accept(
    *,
    recovery_key: Annotated[Path, Parameter(help="The file of the recovery key.")],
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Change nothing: print what would be given up.")
    ] = False,
    heads: Annotated[
        tuple[Path, ...],
        Parameter(
            negative="", help="A decider's file of heads, if it is not in --data; repeat it for several."
        ),
    ] = (),
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Let the log continue from where it ends now. What was known beyond that is given up for good.

    Only for when no newer copy of Kafka's data is left: docs/how-to/restore.md has what to try first. It
    needs Kafka, and no running decider. The log is that of --data while `assent up` does not run, or the one
    that ASSENT_KAFKA, ASSENT_IDENTITY and ASSENT_POSTGRES name. It lists what is given up by name, as far as
    Postgres knows it. Run `assent restore rebuild` afterwards.

    Example: assent restore accept --recovery-key /mnt/usb/recovery.key
    """
    import asyncio

    from msgspec import structs

    from assent.cli.decision_output import refuse_unsent
    from assent.cli.process_log import log_to_file
    from assent_contracts.client.keys import load_key
    from assent_contracts.refusals import WHAT_TO_DO, Refusal

    key = load_key(recovery_key)
    log_to_file(options)
    done = asyncio.run(_accept(key, recovery_key, heads, options, yes=yes, dry_run=dry_run))
    if done is None:
        output.print_progress("Nothing was changed.")
        return
    if isinstance(done, Refusal):
        refuse_unsent(done, WHAT_TO_DO[done.code], options)
    accepted, plan = done
    if options.json:
        output.print_json({**structs.asdict(accepted), "plan": plan})
        return
    output.print_line(
        f"Accepted the loss, in governance record {accepted.seq}. The log continues from where it ends."
    )
    output.print_line("Save the list above: once the tables are rebuilt, it cannot be printed again.")
    output.print_line(f"Next: `assent restore rebuild`. Put the recovery key away again.{_on_a_cluster()}")


async def _accept(
    key: "SecretKey",
    key_file: Path,
    heads: tuple[Path, ...],
    options: Options,
    *,
    yes: bool,
    dry_run: bool,
) -> "tuple[AcceptedLoss, LossPlan] | Refusal | None":
    """The accepted loss and what it gave up; None where nothing was changed."""
    from assent.cli.connection.log_access import following_governance, governance_of
    from assent.cli.loss_plan import plan_of
    from assent.cli.stopped_log import stopped_log
    from assent.decider.loss_acceptance import accept_loss, ends_now
    from assent_contracts.refusals import Refusal

    async with stopped_log(options) as access, following_governance(access) as follower:
        if governance_of(follower).recovery != key.public_key:
            output.fail(f"{key_file} is not the recovery key of this log.", output.REFUSED)
        ends = await ends_now(access.connection, follower)
        plan = await plan_of(access, follower, ends, heads, options)
        _print_plan(plan, options, dry_run=dry_run)
        if not plan.missing:
            output.fail("Nothing is missing: there is no loss to accept.", output.REFUSED)
        if dry_run or not (yes or _is_sure("Give it up")):
            return None
        done = await accept_loss(access.connection, access.identity, key, ends, plan.given_up)
        return done if isinstance(done, Refusal) else (done, plan)


def _print_plan(plan: "LossPlan", options: Options, *, dry_run: bool) -> None:
    from assent.cli.loss_plan import print_plan

    if not options.json:
        print_plan(plan)
    elif dry_run:
        output.print_json(plan)
    else:
        output.print_progress("\n".join(plan.missing))


def _on_a_cluster() -> str:
    """A further step on a cluster, where this command cannot know what else runs."""
    import os

    return " Restart all services." if "ASSENT_KAFKA" in os.environ else ""


def _is_sure(question: str) -> bool:
    if not sys.stdin.isatty():
        output.fail("Use --yes where there is no terminal to answer on.")
    return input(f"{question}? Type yes: ").strip() == "yes"


@restore.command(name="rebuild")
def rebuild(
    *,
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Do not ask.")] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Empty the tables of status and audit, which are then projected again from the ledgers.

    Notifications, sessions and known heads stay. The login in ASSENT_POSTGRES must own the tables.
    """
    import asyncio

    from assent.cli.process_log import log_to_file

    log_to_file(options)
    if not (yes or _is_sure("Empty the tables of status and audit, to be projected again")):
        output.print_progress("Nothing was changed.")
        return
    asyncio.run(_rebuild(options))
    if options.json:
        output.print_json({"rebuilt": True})
        return
    output.print_line(
        "Emptied the tables: status and audit fill them again from the ledgers as they are." + _on_a_cluster()
    )


async def _rebuild(options: Options) -> None:
    from assent.cli.connection.log_access import following_governance
    from assent.cli.stopped_log import notified_elsewhere, refuse_unaccepted_loss, stopped_log
    from assent.store.migrate import migrate
    from assent.store.rebuild import empty_tables

    async with stopped_log(options) as access, following_governance(access) as follower:
        await migrate(access.dsn)
        await refuse_unaccepted_loss(access, follower)
        await empty_tables(access.dsn, await notified_elsewhere(access, follower))
