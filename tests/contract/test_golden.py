"""The bytes of every message, as files: today's code writes them and reads them to the same objects."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from assent_contracts.acceptance import Acceptance
from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.client.keys import seal_headers, verify_signature
from assent_contracts.codec import decode_command, encode
from assent_contracts.commands import Command, SubmitChange
from assent_contracts.digests import from_base64url, sha256_hex
from assent_contracts.events import Event
from assent_contracts.governance_changes import GovernanceChange, object_of
from assent_contracts.governance_codec import decode_governance_change, decode_governance_command
from assent_contracts.governance_messages import GovernanceCommand, GovernanceEvent
from assent_contracts.heads import decode_head, head_message
from assent_contracts.ledger import (
    DecisionRecord,
    OmittedCommand,
    RecordedCommand,
    decode_events,
    decode_governance_events,
    decode_record,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.released_change import decode_change
from assent_contracts.resources import is_resource, resource_type
from assent_contracts.schemas.messages import members, message_type
from assent_contracts.writer_registry import WriterRegistry
from tests.contract.examples import (
    CHANGE,
    COMMAND_VARIANTS,
    COMMANDS,
    EVENT_VARIANTS,
    EVENTS,
    FOLDERS,
    GOLDEN,
    GOVERNANCE_CHANGES,
    GOVERNANCE_COMMANDS,
    REFUSALS,
    golden_files,
    tag,
)
from tests.contract.golden_chain import CHAIN, GOVERNANCE_0, IDENTITY, PARTITION, RECORDS, UNREADABLE, WRITER
from tests.contract.signed_examples import HEAD, SIGNED, SignedExample

UNIONS = {
    "commands": Command,
    "governance-commands": GovernanceCommand,
    "governance-changes": GovernanceChange,
    "events": Event,
    "governance-events": GovernanceEvent,
}


def read(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


@pytest.mark.parametrize(("name", "written"), golden_files().items())
def test_today_s_encoder_writes_the_golden_bytes(name: str, written: bytes) -> None:
    assert written == read(name)


def test_every_golden_file_is_still_written_by_an_example() -> None:
    """A version that was ever written stays: its example must not be deleted while its file remains."""
    assert {str(path.relative_to(GOLDEN)) for path in GOLDEN.rglob("*.json")} == set(golden_files())


@pytest.mark.parametrize("folder", UNIONS)
def test_every_message_type_has_a_golden_file(folder: str) -> None:
    types = {message_type(member).removeprefix("assent.") for member in members(UNIONS[folder])}
    assert {path.stem for path in (GOLDEN / folder).iterdir()} == types


@pytest.mark.parametrize("command", COMMANDS, ids=tag)
def test_commands_are_read_from_their_golden_bytes(command: Command) -> None:
    assert decode_command(read(f"commands/{tag(command)}.json")) == command


@pytest.mark.parametrize("command", GOVERNANCE_COMMANDS, ids=tag)
def test_governance_commands_are_read_from_their_golden_bytes(command: GovernanceCommand) -> None:
    assert decode_governance_command(read(f"governance-commands/{tag(command)}.json")) == command


@pytest.mark.parametrize("change", GOVERNANCE_CHANGES, ids=tag)
def test_changes_to_governance_are_read_from_their_golden_bytes(change: GovernanceChange) -> None:
    """R18: each is also the payload of a request, about an object of a built-in type."""
    assert decode_governance_change(read(f"governance-changes/{tag(change)}.json")) == change
    assert is_resource(object_of(change))
    assert resource_type(object_of(change)) in BUILT_IN_TYPES


@pytest.mark.parametrize(("name", "command"), COMMAND_VARIANTS.items())
def test_commands_with_all_their_fields_are_read_from_their_golden_bytes(name: str, command: Command) -> None:
    assert decode_command(read(f"command-variants/{name}.json")) == command
    for field in msgspec.structs.fields(SubmitChange):
        assert any(getattr(each, field.name, None) is not UNSET for each in COMMAND_VARIANTS.values())


@pytest.mark.parametrize(("name", "event"), EVENT_VARIANTS.items())
def test_events_with_all_their_fields_are_read_from_their_golden_bytes(name: str, event: Event) -> None:
    assert msgspec.json.decode(read(f"event-variants/{name}.json"), type=Event) == event


@pytest.mark.parametrize("folder", ["events", "governance-events"])
def test_other_messages_are_read_from_their_golden_bytes(folder: str) -> None:
    decode = msgspec.json.Decoder(UNIONS[folder]).decode
    for message in FOLDERS[folder]:
        assert decode(read(f"{folder}/{tag(message)}.json")) == message


def test_change_is_read_from_its_golden_bytes() -> None:
    change = decode_change(read("changes/change.v1.json"))
    assert change == CHANGE
    assert sha256_hex(change.payload) == change.digest


@pytest.mark.parametrize(("name", "refusal"), REFUSALS.items())
def test_refusals_are_read_from_their_golden_bytes(name: str, refusal: Refusal) -> None:
    assert msgspec.json.decode(read(f"refusals/{name}.json"), type=Refusal) == refusal


@pytest.mark.parametrize(("name", "written"), RECORDS.items())
def test_records_are_read_from_their_golden_bytes(name: str, written: DecisionRecord) -> None:
    record = decode_record(read(f"records/{name}.json"))
    for field in ("seq", "prev", "epoch", "input", "received", "at", "governance"):
        assert getattr(record, field) == getattr(written, field)
    decode_them: Any = decode_governance_events if name == "governance-0" else decode_events
    assert decode_them(record) == (() if written.events is msgspec.UNSET else written.events)
    assert decode_refusal(record) == (None if written.refusal is msgspec.UNSET else written.refusal)
    assert decode_recorded_command(record) == (None if written.command is msgspec.UNSET else written.command)


def test_head_is_read_from_its_golden_bytes() -> None:
    example = msgspec.json.decode(read("signed/head.json"), type=SignedExample)
    assert example.value is not None
    assert decode_head(example.value.encode()) == HEAD
    assert head_message(example.identity, example.value.encode()).hex() == example.message_hex


def test_record_embeds_the_command_s_bytes_unchanged() -> None:
    recorded = decode_recorded_command(decode_record(read("records/submission.json")))
    assert isinstance(recorded, RecordedCommand)
    example = msgspec.json.decode(read("signed/command.json"), type=SignedExample)
    assert example.value is not None
    assert bytes(recorded.value) == example.value.encode()
    assert recorded.signature == example.signature


def test_record_keeps_only_the_hash_of_bytes_that_are_not_a_command() -> None:
    value = read("records/unreadable.json")
    recorded = decode_recorded_command(decode_record(value))
    assert recorded == OmittedCommand(sha256=sha256_hex(UNREADABLE), size=len(UNREADABLE))
    assert b"not a command" not in value


@pytest.mark.parametrize("name", SIGNED)
def test_golden_signatures_verify(name: str) -> None:
    example = msgspec.json.decode(read(f"signed/{name}.json"), type=SignedExample)
    message, signature = bytes.fromhex(example.message_hex), from_base64url(example.signature)
    public_key = from_base64url(example.public_key)
    assert verify_signature(public_key, message, signature)
    assert not verify_signature(public_key, message + b"\0", signature)


def test_golden_chain_is_accepted() -> None:
    """Governance record 0 hashes to the identity and names the writer whose seal ends the golden run."""
    writers = WriterRegistry()
    founding = Acceptance("governance", 0, identity=IDENTITY, writers=writers, verify=verify_signature)
    digest = bytes.fromhex(sha256_hex(encode(GOVERNANCE_0)))
    headers = seal_headers(WRITER, IDENTITY, "governance", 0, 0, digest)
    [accepted] = founding.offer(0, read("records/governance-0.json"), headers)
    writers.apply(0, decode_governance_events(accepted.record))
    ledger = Acceptance("ledger", PARTITION, identity=IDENTITY, writers=writers, verify=verify_signature)
    values = [read(f"records/{name}.json") for name in CHAIN]
    for offset, value in enumerate(values[:-1]):
        assert not ledger.offer(offset, value, ())
    seal = SIGNED["seal"]
    last = [("assent-writer", seal.key.encode()), ("assent-seal", seal.signature.encode())]
    assert [each.value for each in ledger.offer(len(values) - 1, values[-1], last)] == values


def test_golden_events_and_refusals_cover_all_fields() -> None:
    """Each optional field of a refusal or an event is in some file."""
    assert {refusal.code for refusal in REFUSALS.values()} <= set(RefusalCode)
    for event in (*EVENT_VARIANTS.values(), *EVENTS):
        for field in msgspec.structs.fields(event):
            assert field.required or any(
                getattr(each, field.name, field.default) != field.default for each in EVENT_VARIANTS.values()
            )
    for field in ("open_request", "partition", "decided", "again_at", "field", "current"):
        assert any(getattr(refusal, field) is not None for refusal in REFUSALS.values())
    assert len({type(event) for event in EVENTS}) == len(members(Event))
