"""The command that founds a log: init."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS, Options

PARTITIONS_MAX = 1_024


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
        int | None,
        Parameter(
            validator=Number(gte=1, lte=PARTITIONS_MAX),
            show_default=False,
            help="Partitions of the request ledger, fixed for good. By default as many as"
            " the topics of the cluster have, and no other number there; 4 on the embedded Kafka.",
        ),
    ] = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Found a new log in --data from a governance file: people, groups, roles and policies.

    Nothing is written when the file is refused. Keep the identity that this prints somewhere safe: it
    identifies the log, and `audit verify --file` asks for it.

    The log is on the embedded Kafka, for `assent up`; or on the cluster that ASSENT_KAFKA names, once
    `assent topics apply` has made its topics there.
    """
    import asyncio

    from assent.cli.log_founding import found_log
    from assent.founding.first_records import AlreadyFoundedError, FoundingRefusedError
    from assent.founding.governance_file import GovernanceFileError
    from assent.local import Directory, DirectoryInUse

    directory = Directory(options.data.resolve())
    try:
        founded = asyncio.run(
            found_log(directory, file, partitions=partitions, make_missing_keys=make_missing_keys)
        )
    except (GovernanceFileError, FoundingRefusedError) as error:
        place = "" if str(file) in str(error) else f"{file}: "
        output.fail(f"{place}{error} Nothing was founded: correct it and run this again.", output.REFUSED)
    except AlreadyFoundedError:
        output.fail(f"{options.data} has a log already; choose another --data.", output.REFUSED)
    except DirectoryInUse as error:
        output.fail(f"{error}. `assent init` starts Kafka itself.")
    if options.json:
        output.print_json(founded)
        return
    output.print_line(f"Founded a log of {founded.records} governance records in {options.data}.")
    output.print_line(f"Its identity: {founded.identity}")
    output.print_line(f"Next: assent up --data {options.data}")
