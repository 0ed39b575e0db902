"""Commands that set a log up: init, keys new, topics apply."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from assent.cli.options import DEFAULT_OPTIONS, Options

_PARTITIONS_MAX = 1_024
keys = App(name="keys", group="Governance", help="Signing keys.")
topics = App(name="topics", group="System", help="Kafka topics.")


def init(
    file: Annotated[Path, Parameter(help="The governance file (TOML): people, groups, roles, policies.")],
    *,
    make_missing_keys: Annotated[
        bool,
        Parameter(
            name="--make-keys",
            negative="",
            show_default=False,
            help="Make a key, DATA/keys/PRINCIPAL.key, for each principal that has none in FILE.",
        ),
    ] = False,
    partitions: Annotated[
        int,
        Parameter(
            validator=Number(gte=1, lte=_PARTITIONS_MAX),
            help="Partitions of the request ledger, fixed for good.",
        ),
    ] = 4,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Found a new log in --data from a governance file: people, groups, roles and policies.

    Nothing is written when the file is refused. Keep the identity that this prints somewhere safe: it says
    which log this is, and `audit verify --file` asks for it.

    The log is the embedded Kafka's, for `assent up`; or that of the cluster which ASSENT_KAFKA names, once
    `assent topics apply` has made its topics there.
    """
    from assent.cli import setting_up

    setting_up.init(file, make_missing_keys=make_missing_keys, partitions=partitions, options=options)


@keys.command(name="new")
def new(
    principal: Annotated[str, Parameter(help="The principal that the key signs for.")],
    *,
    key_id: Annotated[
        str | None, Parameter(name="--id", help="The key's id; PRINCIPAL-1 unless said.")
    ] = None,
    out: Annotated[
        Path | None, Parameter(help="Where to write it; DATA/keys/PRINCIPAL.key unless said.")
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make a signing key; prints the public half, which goes into the governance file."""
    from assent.cli import setting_up

    setting_up.new_key(principal, key_id=key_id, out=out, options=options)


@topics.command(name="apply")
def apply(
    *,
    partitions: Annotated[
        int,
        Parameter(
            validator=Number(gte=1, lte=_PARTITIONS_MAX),
            help="Partitions of commands, ledger and changes, fixed for good.",
        ),
    ] = 24,
    replication_factor: Annotated[
        int, Parameter(validator=Number(gte=1, lte=100), help="Copies of each partition.")
    ] = 3,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only say what would be done.")
    ] = False,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Make the topics on the cluster of ASSENT_KAFKA what they must be: infra/topics.yaml says it.

    Creates those that are missing and sets every setting that is another. Exits 1, and says the way back,
    when a topic has another number of partitions: that cannot be changed.
    """
    from assent.cli import setting_up

    setting_up.apply_topics(
        partitions=partitions, replication_factor=replication_factor, dry_run=dry_run, options=options
    )
