"""Writers: add and retire, with an approved change or with the recovery key."""

from typing import Final

from assent_contracts.core.governance.change_rules import Asker, ChangeRules, creates, disables
from assent_contracts.core.governance.field_changes import FieldChange, changed_fields
from assent_contracts.core.governance.field_limits import bad_id, is_public_key, refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import from_base64url, to_base64url
from assent_contracts.governance_changes import AddWriter, RetireWriter
from assent_contracts.governance_messages import GovernanceEvent, RecoverWriters, WriterAdded, WriterRetired
from assent_contracts.governance_objects import Writer
from assent_contracts.limits import WRITERS_MAX
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.writer_registry import RECOVERY


def add_writer(governance: Governance, change: AddWriter) -> tuple[GovernanceEvent, ...] | Refusal:
    """Add a writer. Neither its id nor its key can ever be used again."""
    return _add(governance, change.writer)


def retire_writer(governance: Governance, change: RetireWriter) -> tuple[GovernanceEvent, ...] | Refusal:
    """Retire a writer. What it has sealed stays accepted, but it can seal nothing after this record."""
    return (
        _retire(governance, change.writer)
        or _none_left(governance, {change.writer})
        or (WriterRetired(writer=change.writer),)
    )


def recover_writers(governance: Governance, command: RecoverWriters) -> tuple[GovernanceEvent, ...] | Refusal:
    """Add and retire writers with the recovery key, by the same rules."""
    if not command.add and not command.retire:
        return refuse(RefusalCode.MALFORMED, "Name a writer to add or to retire.")
    events: tuple[GovernanceEvent, ...] = ()
    for writer in command.add:
        added = _add(governance.after(events) if events else governance, writer)
        if isinstance(added, Refusal):
            return added
        events += added
    after = governance.after(events) if events else governance
    if len(set(command.retire)) != len(command.retire):
        return refuse(RefusalCode.MALFORMED, "A writer is retired once.")
    for name in command.retire:
        unknown = _retire(after, name)
        if unknown is not None:
            return unknown
    return _none_left(after, set(command.retire)) or (
        *events,
        *(WriterRetired(writer=name) for name in command.retire),
    )


def _add(governance: Governance, writer: Writer) -> tuple[GovernanceEvent, ...] | Refusal:
    bad = bad_id("writer", writer.id)
    if bad is not None:
        return bad
    if writer.id in governance.writer_ids or writer.id == RECOVERY:
        return refuse(RefusalCode.ID_TAKEN, f"writer {writer.id!r}: the id is, or was, a writer's already.")
    if not is_public_key(writer.public_key):
        return refuse(RefusalCode.MALFORMED, f"writer {writer.id} is not 32 bytes in base64url.")
    if from_base64url(writer.public_key) in governance.public_keys:
        return refuse(
            RefusalCode.ID_TAKEN, f"writer {writer.id}: the same key is, or was, registered already."
        )
    if len(governance.writers) >= WRITERS_MAX:
        return refuse(RefusalCode.QUOTA_EXCEEDED, f"There are {WRITERS_MAX} writers: retire one first.")
    return (WriterAdded(writer=writer),)


def _retire(governance: Governance, writer: str) -> Refusal | None:
    if writer in governance.writers:
        return None
    if writer in governance.writer_ids:
        return refuse(RefusalCode.ALREADY_SO, f"writer {writer} is retired already.")
    return refuse(RefusalCode.UNKNOWN_OBJECT, f"There is no writer {writer[:128]!r}.")


def _none_left(governance: Governance, retired: set[str]) -> Refusal | None:
    if governance.writers.keys() - retired:
        return None
    return refuse(RefusalCode.LAST_WRITER, "No writer would be left: nothing could be decided.")


def _why_approval(_governance: Governance, _change: AddWriter | RetireWriter, _asker: Asker) -> str:
    return "it concerns who writes the log"


def _retired(change: RetireWriter, governance: Governance) -> tuple[FieldChange, ...]:
    before = governance.writers.get(change.writer)
    return changed_fields(
        ("writer", None if before is None else "listed", "retired"),
        ("public key", None if before is None else to_base64url(before), None),
    )


ADD_WRITER: Final = ChangeRules[AddWriter](
    decide=lambda governance, change, _at: add_writer(governance, change),
    operation=creates,
    sentence=lambda change, _: f"Add the writer {change.writer.id}: its key seals the log from then on.",
    difference=lambda change, _: changed_fields(
        ("writer", None, change.writer.id), ("public key", None, change.writer.public_key)
    ),
    why_approval=_why_approval,
)
RETIRE_WRITER: Final = ChangeRules[RetireWriter](
    decide=lambda governance, change, _at: retire_writer(governance, change),
    operation=disables,
    sentence=lambda change, _: f"Retire the writer {change.writer}: its key seals nothing after that.",
    difference=_retired,
    why_approval=_why_approval,
)
