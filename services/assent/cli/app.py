"""The commands of `assent`, and what becomes of errors that none of them handles.

The modules of the commands say what each takes; what does the work is imported when a command runs, so that
`--help` and a slip of the keyboard are answered at once.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from inspect import BoundArguments

from cyclopts import App, CycloptsError

from assent.cli import (
    accounts,
    auditing,
    demo,
    founding,
    membership,
    output,
    requests,
    restore,
    rules,
    running,
    writers,
)
from assent.cli.options import Options

app = App(
    name="assent",
    help="Multi-admin approval: a change is made only after a second person has approved it.",
    help_epilogue=(
        "From anywhere: --server https://assent.example --key FILE (or ASSENT_SERVER and ASSENT_KEY)."
        " Your key signs on this machine; the gateway relays what it has signed.\n\n"
        "Exit codes: 0 done or decided, 1 failed, 2 refused, 3 no decision in time or server out of reach."
    ),
    version_flags=["--version"],
    default_parameter=None,
)
for command in (founding.init, running.up, running.env, running.doctor, demo.demo):
    app.command(command, group="System")
for command in (
    requests.submit,
    requests.approve,
    requests.reject,
    requests.revoke,
    requests.cancel,
    requests.complete,
    requests.close,
    requests.settle,
    requests.requests,
    requests.show,
    rules.explain,
):
    app.command(command, group="Requests")
for group in (
    rules.who_can,
    accounts.principals,
    founding.keys,
    writers.writers,
    membership.groups,
    membership.roles,
    membership.directory,
    rules.settings,
    rules.policies,
    auditing.audit,
    founding.topics,
    restore.restore,
):
    app.command(group)


def run(arguments: Sequence[str]) -> None:
    """Run the command that the arguments name."""
    output.prepare()
    try:
        command, bound, _ = app.parse_args(arguments, exit_on_error=False)
    except CycloptsError:
        # It has been printed. 2 would say that the ledger refused something.
        sys.exit(output.FAILED)
    _keep_logs_out_of_the_way(bound)
    try:
        _call(command, bound)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing more can be said there, not at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(output.PIPE_CLOSED)


def _call(command: Callable[..., object], bound: BoundArguments) -> None:
    try:
        command(*bound.args, **bound.kwargs)
    except KeyboardInterrupt:
        output.fail("Interrupted.", output.INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:
        from assent.cli.errors import explain

        explained = explain(error)
        if explained is None:
            raise
        output.fail(explained)


def _keep_logs_out_of_the_way(bound: BoundArguments) -> None:
    options = bound.arguments.get("options")
    if isinstance(options, Options) and options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    else:
        # Libraries warn of what they then handle; what ends a command is said in its own words.
        logging.getLogger().addHandler(logging.NullHandler())
