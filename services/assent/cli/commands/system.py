"""Commands that run the local system and print how to reach it: up, env."""

from typing import TYPE_CHECKING

from assent.cli.options import DEFAULT_OPTIONS, Options, Without

if TYPE_CHECKING:
    from pathlib import Path


def up(*, without: Without = (), options: Options = DEFAULT_OPTIONS) -> None:
    """Run all of Assent on this machine, until Ctrl-C or SIGTERM.

    That is Kafka, Postgres and every service; one that ends is started again. `assent init` founds the log.
    """
    import asyncio

    from assent.cli.process_log import log_to_file

    log_to_file(options)
    asyncio.run(_run_until_stopped(options.data, without))


async def _run_until_stopped(data: "Path", without: Without) -> None:
    import asyncio

    from assent.cli import output
    from assent.cli.status_board import board, print_addresses
    from assent.cli.stop_signals import stop_on_signals
    from assent.local.whole_system import WholeSystem

    stop = stop_on_signals()
    with board() as shown:
        everything = WholeSystem(data, without=without, progress=output.print_progress, on_change=shown)
        starting = asyncio.create_task(everything.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                await starting
                print_addresses(everything)
                await stopping
        finally:
            output.print_progress("Stopping.")
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)
            await everything.stop()
    output.print_progress("Stopped.")


def env(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Print how to reach the running log: Kafka, Postgres, its identity, its writers' keys.

    For a shell: eval "$(assent env)". Exits 1 when nothing runs on --data.
    """
    import asyncio
    import shlex

    from assent.cli import output
    from assent.cli.connection.log_access import following_governance, log_access
    from assent_contracts.digests import to_base64url

    access = log_access(options)

    async def writers() -> dict[str, str]:
        async with following_governance(access) as follower:
            return {key_id: to_base64url(key) for key_id, key in follower.writers.public_keys().items()}

    document = {
        "kafka": access.connection.bootstrap,
        "postgres": access.dsn,
        "identity": access.identity,
        "writers": asyncio.run(writers()),
    }
    if options.json:
        output.print_json(document)
        return
    for name in ("kafka", "postgres", "identity"):
        output.print_line(f"export ASSENT_{name.upper()}={shlex.quote(str(document[name]))}")
    for key_id, public_key in document["writers"].items():
        output.print_line(f"# writer {key_id}: {public_key}")
