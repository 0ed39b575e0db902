"""Whether this decider's key is a writer's, and what to do when it is not."""

from pathlib import Path

from assent.observe.health import Reason
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import KeyFileError, SecretKey, load_key
from assent_contracts.core.writer.writer import Sealer
from assent_contracts.writer_registry import WriterRegistry


def load_writer_key(path: Path) -> SecretKey:
    """The key that a decider seals with. Raises KeyFileError, which says what to do if the file is lost."""
    if path.exists():
        return load_key(path)
    raise KeyFileError(
        f"The decider's signing key {path} is missing. Restore it from a copy. If it is lost, make"
        f" another with `assent keys new decider --id writer-2 --out {path}` and list it as a writer with the"
        " recovery key: `assent writers recover PUBLIC --id writer-2 --retire-all --recovery-key FILE`."
    )


def sealer_of(key: SecretKey) -> Sealer:
    """What the writer needs to know of the key that it seals with."""
    return Sealer(key.id, key.public_key)


def is_listed(writers: WriterRegistry, key: SecretKey) -> bool:
    """Whether governance, as far as it has been followed, lists the key by its id and its bytes."""
    return writers.public_key(key.id, writers.head) == key.public_key


def why_not_listed(follower: GovernanceFollower, key: SecretKey) -> Reason | None:
    """Why nothing that the key seals counts in this log, and what to do; None when it is a writer's."""
    writers = follower.writers
    if is_listed(writers, key):
        return None
    known = writers.ever_listed(key.id)
    if known is None:
        what = "is not a writer of this log"
    elif known != key.public_key:
        what = "is not the writer of that name in this log: the keys differ"
    else:
        what = "was retired as a writer of this log"
    return Reason(
        why=f"The key {key.id} ({key.public}) {what}, so its seals do not count.",
        todo=(
            f"Start the decider with the key of a writer: {', '.join(sorted(writers.public_keys()))}."
            " If another decider runs, have this key added: `assent writers add PUBLIC --id ID`, which a"
            " second administrator approves. If every writer's key is lost, use the recovery key:"
            " `assent writers recover PUBLIC --id ID --recovery-key FILE`."
        ),
    )
