"""`assent up`: everything on this machine, until Ctrl-C."""

import asyncio
import logging
from pathlib import Path

import structlog

from assent.cli import output
from assent.cli.board import board
from assent.cli.interrupts import stop_on_signals
from assent.cli.options import Options
from assent.local.everything import Everything


def up(options: Options) -> None:
    """Run until SIGINT or SIGTERM."""
    log_to_file(options)
    asyncio.run(_up(options.data))


async def _up(data: Path) -> None:
    stop = stop_on_signals()
    with board() as shown:
        everything = Everything(data, progress=output.tell, on_change=shown)
        starting = asyncio.create_task(everything.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                await starting
                tell_where(everything)
                await stopping
        finally:
            output.tell("Stopping.")
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)
            await everything.stop()
    output.tell("Stopped.")


def log_to_file(options: Options) -> None:
    """This process's log goes to DATA/logs/up.log, and not between what people read."""
    if not options.verbose:
        folder = options.data / "logs"
        handler: logging.Handler = (
            logging.FileHandler(folder / "up.log") if folder.is_dir() else logging.NullHandler()
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def tell_where(everything: Everything) -> None:
    """Say where everything is, once it is up."""
    output.tell(f"Up. Kafka answers at {everything.stack.bootstrap}; Ctrl-C stops all of it.")
    output.tell(f"Applied changes: {everything.target}")
    if everything.console is not None:
        output.tell(f"Console: {everything.console}")
    if everything.sign_in_link is not None:
        output.tell(f"Sign in, in a browser on this machine: {everything.sign_in_link}")
        output.tell("Who has that link can be anybody here; it ends when this does.")
    output.tell(f"Try: assent requests --data {everything.directory.root}")
