"""`assent writers list`."""

from assent.cli import output
from assent.cli.listing import now
from assent.cli.options import Options, Sender
from assent.cli.tables import print_table
from assent_contracts.digests import to_base64url


def writers(sender: Sender, options: Options) -> None:
    """Print every writer that there ever was."""
    governance = now(sender, options)
    keys = {name: to_base64url(key) for name, key in governance.writers.items()}
    names = sorted(governance.writer_ids)
    if options.json:
        output.print_json(
            [{"id": name, "public_key": keys.get(name), "retired": name not in keys} for name in names]
        )
        return
    rows = ((name, "listed" if name in keys else "retired", keys.get(name, "")) for name in names)
    print_table(("writer", "status", "public key"), rows, empty="No writers.")
