"""The commands of `assent`, and the handling of errors that reach none of them."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from inspect import BoundArguments

from cyclopts import App, CycloptsError

from assent.cli import output
from assent.cli.commands import (
    acls,
    audit,
    decisions,
    demo,
    directory,
    doctor,
    explanations,
    findings,
    groups,
    init,
    keys,
    policies,
    principals,
    requests,
    restore,
    roles,
    sets,
    settings,
    system,
    tables,
    topics,
    upstream,
    writers,
)
from assent.cli.options import Options
from assent.observe.traces import configure_traces

app = App(
    name="assent",
    help=(
        "Multi-admin approval: a change is made only after a second person has approved it.\n\n"
        "Commands with the option --server work from anywhere: --server https://assent.example --key FILE"
        " (or ASSENT_SERVER and ASSENT_KEY). Your key signs on this machine; the gateway relays what it has"
        " signed."
    ),
    # Every command's help ends with it too.
    help_epilogue=(
        "Exit codes: 0 done or decided, 1 failed, 2 refused, 3 no decision in time or server out of reach."
    ),
    version_flags=["--version"],
    default_parameter=None,
)
for command in (init.init, system.up, system.env, doctor.doctor, demo.demo, findings.reconcile):
    app.command(command, group="System")
for command in (
    requests.submit,
    sets.submit_set,
    *decisions.COMMANDS,
    requests.requests,
    requests.show,
    explanations.explain,
):
    app.command(command, group="Requests")
for group in (
    explanations.who_can,
    findings.findings,
    principals.principals,
    keys.keys,
    writers.writers,
    groups.groups,
    roles.roles,
    directory.directory,
    settings.settings,
    policies.policies,
    audit.audit,
    topics.topics,
    acls.acls,
    tables.tables,
    upstream.upstream,
    restore.restore,
):
    app.command(group)


def run(arguments: Sequence[str]) -> None:
    """Run the command that the arguments name."""
    output.prepare()
    try:
        command, bound, _ = app.parse_args(arguments, exit_on_error=False)
    except CycloptsError:
        # It has been printed. Exit code 2 would mean that the ledger refused something.
        sys.exit(output.FAILED)
    _keep_logs_out_of_the_way(_options_of(bound))
    end_traces = configure_traces("cli")
    try:
        _call(command, bound, _options_of(bound))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has closed it: nothing may be written there, not at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(output.PIPE_CLOSED)
    finally:
        end_traces()


def _options_of(bound: BoundArguments) -> Options:
    found = bound.arguments.get("options")
    return found if isinstance(found, Options) else Options()


def _call(command: Callable[..., object], bound: BoundArguments, options: Options) -> None:
    try:
        command(*bound.args, **bound.kwargs)
    except KeyboardInterrupt:
        output.fail("Interrupted.", output.INTERRUPTED)
    except BrokenPipeError:
        raise
    except Exception as error:
        from assent.cli.errors import fail_with

        fail_with(error, as_json=options.json)
        raise


def _keep_logs_out_of_the_way(options: Options) -> None:
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    else:
        # Libraries warn of problems that they then handle. Errors that end a command have their own messages.
        logging.getLogger().addHandler(logging.NullHandler())
