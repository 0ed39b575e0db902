"""Commands about Kafka topics."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.commands.init import PARTITIONS_MAX
from assent.cli.options import DEFAULT_OPTIONS, Options

if TYPE_CHECKING:
    from assent.ledger.topic_creation import Applied

topics = App(name="topics", group="System", help="Kafka topics.")


@topics.command(name="apply")
def apply(
    *,
    partitions: Annotated[
        int,
        Parameter(
            validator=Number(gte=1, lte=PARTITIONS_MAX),
            help="Partitions of commands, ledger and changes, fixed for good.",
        ),
    ] = 24,
    replication_factor: Annotated[
        int, Parameter(validator=Number(gte=1, lte=100), help="Copies of each partition.")
    ] = 3,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only print what would be done.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make the topics on the cluster of ASSENT_KAFKA what they must be: see infra/topics.yaml.

    Creates topics that are missing, and corrects settings that differ. Exits 1 when a topic has a wrong
    number of partitions, which cannot be changed, and prints the way back.
    """
    import asyncio
    import os

    from assent.ledger.topic_creation import apply_topics
    from assent.process_settings import read_connection

    connection = read_connection(os.environ)
    applied = asyncio.run(
        apply_topics(
            connection, partitions=partitions, replication_factor=replication_factor, dry_run=dry_run
        )
    )
    if options.json:
        output.print_json(applied)
    else:
        _print_applied(applied, dry_run=dry_run)
    applied.must_fit()


def _print_applied(applied: "Applied", *, dry_run: bool) -> None:
    if applied.created:
        output.print_line(f"{'Missing' if dry_run else 'Created'}: {', '.join(applied.created)}.")
    for each in applied.changed:
        output.print_line(
            f"{each}." if dry_run else f"{each.topic}: {each.setting} was {each.found}, is {each.must}."
        )
    if not (applied.created or applied.changed or applied.partitions):
        output.print_line("Nothing to do: all topics are there, as they must be.")
