"""Texts that a command's sender wrote for people. Events do not repeat them: they are in the command."""

import msgspec
from msgspec import UNSET

from assent_contracts.change_details import ChangeDetails
from assent_contracts.events import Event, RequestFailed
from assent_contracts.ledger import LedgerRecord


class SenderText(ChangeDetails, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=False):
    """The texts and details that a command can contain; '' and UNSET for those that it lacks."""

    principal: str = ""
    justification: str = ""
    note: str = ""
    message: str = ""
    reason: str = ""
    detail: str = ""


class _Recorded(msgspec.Struct, gc=False):
    # A command that could not be read is recorded as its hash.
    value: SenderText = SenderText()


_NO_TEXT = SenderText()
_decode = msgspec.json.Decoder(_Recorded).decode


def sender_text(record: LedgerRecord) -> SenderText:
    """The texts of the record's command. Raises msgspec.MsgspecError."""
    return _NO_TEXT if record.command is UNSET else _decode(record.command).value


def failure_message(event: Event, text: SenderText) -> str:
    """The message about an outcome: from its report, or from the event where there was no report."""
    if isinstance(event, RequestFailed) and event.message is not UNSET:
        return event.message
    return text.message
