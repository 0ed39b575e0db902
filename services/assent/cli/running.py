"""Commands that run and inspect the local system: up, env, doctor."""

from typing import Annotated

from cyclopts import Parameter

from assent.cli.options import DEFAULT_OPTIONS, Options


def up(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Run all of Assent on this machine, until Ctrl-C or SIGTERM.

    Kafka, Postgres and every service; what ends is started again. Needs a log: `assent init` founds one.
    """
    from assent.cli import up

    up.up(options)


def env(*, options: Options = DEFAULT_OPTIONS) -> None:
    """Print how to reach the running log: Kafka, Postgres, its identity, its writers' keys.

    For a shell: eval "$(assent env)". Exits 1 when nothing runs on --data.
    """
    from assent.cli import diagnosis

    diagnosis.env(options)


def doctor(
    *,
    accept_clock: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Say that this machine's clock is right now, although it was set by more than an hour.",
        ),
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Look at everything that can be wrong, and say what to do about it. Exits 1 when something is."""
    from assent.cli import diagnosis

    diagnosis.doctor(options, accept_clock=accept_clock)
