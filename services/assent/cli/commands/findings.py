"""Commands about targets that differ from what was applied: compare one, list and close findings (R28)."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.options import DEFAULT_ACCESS, DEFAULT_OPTIONS, AccessOptions, Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assent.reconcile.reconciler import Reconciler, Run
    from assent.store.finding_queries import FindingView
    from assent_contracts.client.publisher import Decided

findings = App(name="findings", group="Requests", help="What differs at targets from what was applied (R28).")
DIFFERS = output.NOT_VERIFIED
"""The exit code of a comparison that has found something new."""


@findings.command(name="list")
def list_(
    *,
    all_: Annotated[
        bool, Parameter(name="--all", negative="", show_default=False, help="Closed ones too.")
    ] = False,
    resource: Annotated[str | None, Parameter(help="Only those of this object.")] = None,
    limit: Annotated[
        int, Parameter(alias="-n", validator=Number(gte=1, lte=1_000), help="How many at most.")
    ] = 50,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """List findings, the newest first: the open ones, or all."""
    import asyncio

    from assent.cli.connection.log_selection import log_client

    log = log_client(access, options)
    rows = asyncio.run(log.findings(only_open=not all_, resource=resource, limit=limit))
    if options.json:
        output.print_json(rows)
        return
    for row in rows:
        _print_finding(row)
    if not rows:
        output.print_line("There are no findings." if all_ else "There are no open findings.")


@findings.command(name="close")
def close(
    finding: Annotated[str, Parameter(help="The finding's id, such as 2-1041.")],
    *,
    reason: Annotated[
        str, Parameter(help="What explains it, or what was done; shown to everyone who can see the finding.")
    ],
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Close a finding of a type that you administer or approve for."""
    import asyncio

    from assent.cli.connection.log_selection import log_client
    from assent.cli.connection.signing_key import signing_key_of
    from assent.cli.decision_output import finish, refuse_malformed
    from assent_contracts.client.publisher import new_command_id, now_ms
    from assent_contracts.commands import CloseFinding

    key = signing_key_of(access, options)
    log = log_client(access, options, key)

    async def run() -> "Decided":
        row = await log.finding(finding)
        command = CloseFinding(
            id=new_command_id(),
            principal=key.principal,
            at=now_ms(),
            resource=row.resource,
            finding=finding,
            reason=reason,
        )
        refuse_malformed(command, options)
        return await log.decide(command)

    finish(asyncio.run(run()), f"Closed finding {finding}", options)


def reconcile(
    *,
    config: Annotated[Path, Parameter(help="The file that configures the target, or several.")],
    every: Annotated[
        float | None,
        Parameter(validator=Number(gte=1, lte=86_400), help="Compare again after so many seconds."),
    ] = None,
    access: AccessOptions = DEFAULT_ACCESS,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Compare a target with what was applied to it, and record what differs, once (R28).

    Name the reconciler's account with --as or --key. It needs the role reconciler. With --json prints one
    line for each comparison: {"target", "reported": [{"id", "kind", "resource", "version", "request", "by",
    "detail"}], "left"}. Exits with 0 if nothing new was found, 2 if something was, 1 if a target could not
    be compared. With --every it continues until it is interrupted.
    """
    import asyncio

    from assent.cli.connection.log_access import log_access
    from assent.cli.connection.signing_key import signing_key_of
    from assent.extras import need_extra
    from assent.reconcile.configuration import read_configurations

    need_extra("applier")
    if access.server is not None:
        output.fail(
            "A reconciler reads the whole ledger. Run it where Kafka can be reached, without --server."
        )
    key, reached = signing_key_of(access, options), log_access(options)
    configurations = read_configurations(config)
    state = options.data / "reconcile"

    async def run() -> int:
        from assent.cli.connection.log_access import following_governance
        from assent.cli.stop_signals import stop_on_signals
        from assent.process import until_stopped
        from assent.reconcile.reconciler import Reconciler

        async with AsyncExitStack() as held:
            follower = await held.enter_async_context(following_governance(reached))
            reconcilers: list[Reconciler] = []
            for each in configurations:
                reconciler = Reconciler(reached.connection, follower, key, state, each)
                await reconciler.start()
                held.push_async_callback(reconciler.stop)
                reconcilers.append(reconciler)
            if every is None:
                return await _all_compared(reconcilers, options)
            # Not by the cancellation that Ctrl-C causes: a client of Kafka that is closing can lose it.
            await until_stopped(stop_on_signals(), _again_and_again(reconcilers, every, options))
            return output.INTERRUPTED

    raise SystemExit(asyncio.run(run()))


async def _again_and_again(reconcilers: "Sequence[Reconciler]", every_s: float, options: Options) -> None:
    import asyncio

    while True:
        await _all_compared(reconcilers, options)
        await asyncio.sleep(every_s)


async def _all_compared(reconcilers: "Sequence[Reconciler]", options: Options) -> int:
    """The exit code of one comparison of each target."""
    codes = [await _compared(each, options) for each in reconcilers]
    return output.FAILED if output.FAILED in codes else max(codes)


async def _compared(reconciler: "Reconciler", options: Options) -> int:
    """The exit code of one comparison."""
    from assent.reconcile.reconciler import FAILURES

    try:
        return _print_run(await reconciler.run(), options)
    except FAILURES as error:
        output.print_problem(f"{reconciler.target}: not compared: {str(error) or type(error).__name__}")
        return output.FAILED


def _print_run(run: "Run", options: Options) -> int:
    if options.json:
        output.print_json_line(run)
    else:
        for each in run.reported:
            about = "" if each.request is None else f", request {each.request}"
            shows = "" if each.version is None else f", shows {each.version}"
            output.print_line(f"{each.kind}  {each.resource}  finding {each.id}{about}{shows}")
        left = f" {run.left} more follow." if run.left else ""
        number = len(run.reported)
        output.print_line(f"{run.target}: {number or 'no'} new finding{'s' if number != 1 else ''}.{left}")
    return DIFFERS if any(each.kind != "restored" for each in run.reported) else output.DECIDED


def _print_finding(row: "FindingView") -> None:
    from assent.cli.formatting import age
    from assent_contracts.client.publisher import now_ms

    about = "" if row.request is None else f", request {row.request}"
    output.print_line(
        f"{row.id}  {row.kind}  {row.resource} at {row.target}{about}  {age(row.reported_at, now_ms())}"
    )
    shows = [] if row.version is None else [f"shows {row.version}"]
    shows += [] if row.by is None else [f"made by {row.by}, as the target states"]
    for line in (", ".join(shows), row.detail):
        if line:
            output.print_line(f"    {line}", style="dim")
    if row.closed_by is not None:
        output.print_line(f"    closed by {row.closed_by}: {row.closing_reason}", style="dim")
