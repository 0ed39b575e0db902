"""The current state of each part of the local system, for people who watch it."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from assent.cli import output
from assent.cli.formatting import table
from assent.local.supervisor import ServiceStatus
from assent.local.whole_system import WholeSystem

_LOOKS = {
    "starting": ("…", "yellow"),
    "up": ("●", "green"),
    "backing off": ("▲", "bold red"),
    "stopped": ("○", "dim"),
}


class Board:
    """Redraws a table on each change of state, or prints a line for it."""

    def __init__(self) -> None:
        """Print lines until `live` is set."""
        self._statuses: dict[str, ServiceStatus] = {}
        self.live: Live | None = None

    def __call__(self, status: ServiceStatus) -> None:
        """Show a change of state."""
        self._statuses[status.name] = status
        if self.live is not None:
            self.live.update(self.table())
        else:
            output.print_progress(f"{status.name}: {status.state}{_about(status)}")

    def table(self) -> Table:
        """A row for each service: its state as a word, a shape and a colour, its process and restarts."""
        made = table("service", "state", "pid", "restarts", right=("pid", "restarts"))
        for status in self._statuses.values():
            shape, colour = _LOOKS[status.state]
            state = Text(f"{shape} {status.state}", style=colour)
            made.add_row(status.name, state, str(status.pid or ""), str(status.restarts or ""))
        return made


def _about(status: ServiceStatus) -> str:
    if status.pid:
        return f" (pid {status.pid})"
    if status.state == "backing off" and status.exit_code is not None:
        ended = f"code {status.exit_code}" if status.exit_code >= 0 else f"signal {-status.exit_code}"
        return f" (ended with {ended}; it is started again)"
    return ""


@contextmanager
def board() -> Iterator[Board]:
    """A table that is redrawn in place on a terminal; plain lines elsewhere."""
    shown = Board()
    err = output.console(stderr=True)
    if not err.is_terminal:
        yield shown
        return
    with (
        output.printing_above_live_table(),
        Live(shown.table(), console=err, refresh_per_second=8, redirect_stdout=False) as live,
    ):
        shown.live = live
        yield shown


def print_addresses(everything: WholeSystem) -> None:
    """Print where everything is, once it is up."""
    output.print_progress(f"Up. Kafka answers at {everything.stack.bootstrap}; Ctrl-C stops all of it.")
    output.print_progress(f"Applied changes: {everything.target}")
    if everything.console is not None:
        output.print_progress(f"Console: {everything.console}")
    if everything.sign_in_link is not None:
        output.print_progress(f"Sign in, in a browser on this machine: {everything.sign_in_link}")
        output.print_progress(
            "Anybody with this link can sign in as any user here. It stops working when this ends."
        )
    output.print_progress(f"Try: assent requests --data {everything.directory.root}")
