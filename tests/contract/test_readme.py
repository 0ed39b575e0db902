"""contracts/README.md: its values are the golden ones, its program runs, its tables are correct."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import assent_contracts
from assent_contracts import limits
from assent_contracts.access_policies import Policy
from assent_contracts.client.keys import load_key
from assent_contracts.codec import known_types
from assent_contracts.commands import Command, command_type
from assent_contracts.digests import sha256_hex
from assent_contracts.events import ApprovalGiven, Event
from assent_contracts.governance_changes import DIRECTORY, LOG_TIME, SETTINGS, GovernanceChange, object_of
from assent_contracts.governance_messages import GOVERNANCE_KEY, GovernanceCommand, GovernanceEvent
from assent_contracts.ledger import decode_events
from assent_contracts.partitioner import murmur2, partition_for
from assent_contracts.refusals import WHAT_TO_DO
from assent_contracts.resources import RESOURCE_TYPE_PATTERN
from assent_contracts.vectors.vector_log import VectorLog
from tests.contract.examples import GOLDEN, GOVERNANCE_CHANGES, tag
from tests.contract.golden_chain import PARTITION, PARTITIONS, PAYLOAD, REQUEST, RESOURCE
from tests.contract.signed_examples import SignedExample

README = (Path(assent_contracts.__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def signed(name: str) -> SignedExample:
    return msgspec.json.decode((GOLDEN / f"signed/{name}.json").read_bytes(), type=SignedExample)


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.json").read_text(encoding="utf-8").rstrip("\n")


def blocks(language: str) -> list[str]:
    return [text.rstrip("\n") for text in re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)]


def test_messages_are_the_golden_ones() -> None:
    records = ("submission", "refusal", "repeated", "unreadable", "expiry", "governance-0")
    assert [text for text in blocks("json") if '"secret"' not in text] == [
        signed("command").value,
        golden("governance-commands/change-governance.v1"),
        golden("governance-changes/create-policy.v1"),
        golden("changes/change.v1"),
        *(golden(f"records/{name}") for name in records),
        signed("head").value,
    ]


def test_key_file_is_one_and_has_the_key_of_the_examples(tmp_path: Path) -> None:
    [text] = [text for text in blocks("json") if '"secret"' in text]
    path = tmp_path / "alice.key"
    path.write_text(text)
    path.chmod(0o600)
    key = load_key(path)
    assert (key.id, key.principal, key.public) == ("alice-key", "alice", signed("command").public_key)


def test_life_of_a_request_is_what_the_rules_decide() -> None:
    """Each row of the picture is a command and the events of its record, in order."""
    [picture] = blocks("text")
    rows = [re.split(r" {2,}", line) for line in picture.splitlines()[1:]]
    log = VectorLog()
    request, command = log.submit()
    log.approve(request, command)
    log.complete(request, command)
    log.claim(request, command)
    log.report(request, command)
    made = [each.record for each in log.requests.accepted]
    sent = [value for value, _ in log.commands]
    assert [name for _, name, _, _ in rows] == [_short(json.loads(value)["type"]) for value in sent]
    assert [events.split(", ") for _, _, events, _ in rows] == [
        [_short(command_type(event)) for event in decode_events(record)] for record in made
    ]
    assert [status for *_, status in rows] == [
        "needs approval",
        "approved",
        "approved (released)",
        "approved (applying)",
        "completed",
    ]


def _short(name: str) -> str:
    return name.removeprefix("assent.").removesuffix(".v1")


def test_messages_that_the_page_names_exist() -> None:
    known = known_types(Command) | known_types(GovernanceCommand) | known_types(GovernanceChange)
    known |= known_types(Event) | known_types(GovernanceEvent) | {"assent.change.v1"}
    named = set(re.findall(r"assent\.[a-z-]+\.v[0-9]+", README))
    # The others are what is signed, and no messages.
    assert named - known == {"assent.command.v1", "assent.seal.v1", "assent.head.v1"}


def test_governance_changes_and_their_objects_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(assent\.[a-z-]+\.v1)` \| `(.+)` \|$", README, flags=re.MULTILINE)
    fixed = {SETTINGS, DIRECTORY, LOG_TIME}
    assert rows == [
        (f"assent.{tag(change)}", named if named in fixed else f"{named.rpartition('/')[0]}/<id>")
        for change in GOVERNANCE_CHANGES
        for named in (object_of(change),)
    ]


def test_limits_of_governance_are_those_of_the_code() -> None:
    assert f"every record in it has the key `{GOVERNANCE_KEY.decode()}`" in README
    assert f"a whole number from 1 to {limits.QUORUM_MAX}." in README
    section = README.partition("## Change governance")[2].partition("\n## ")[0]
    fields = {field.name: field for field in msgspec.structs.fields(Policy)}
    said = re.findall(r"^- `(\w+)`", section, flags=re.MULTILINE)
    assert set(said) <= set(fields)
    assert {name for name, field in fields.items() if not field.required} - set(said) == {"description"}
    assert fields["rejections"].default == 1
    assert "through" in {field.name for field in msgspec.structs.fields(ApprovalGiven)}


@pytest.mark.parametrize("name", ["command", "seal"])
def test_signatures_are_the_golden_ones(name: str) -> None:
    example = signed(name)
    for value in (
        example.identity,
        example.value_sha256,
        example.message_hex,
        example.public_key,
        example.signature,
    ):
        assert f"`{value}` |" in README
    assert f"`{signed('command').secret_hex}` |" in README
    assert f"| `{signed('seal').ledger}`, {signed('seal').partition}, {signed('seal').seq} |" in README


def test_program_makes_the_golden_signature() -> None:
    made: dict[str, Any] = {}
    [program] = blocks("python")
    exec(compile(program, "README.md", "exec"), made)  # noqa: S102
    example = signed("command")
    assert made["value"].decode() == example.value
    assert made["signature"] == example.signature
    assert made["digest"] == sha256_hex(PAYLOAD)


def test_payload_partition_and_request_are_the_golden_ones() -> None:
    assert f"the {len(PAYLOAD)} bytes `{PAYLOAD.decode()}`, digest `{sha256_hex(PAYLOAD)}`" in README
    assert f"murmur2 of the key here is `{murmur2(RESOURCE.encode()):#x}`" in README
    assert partition_for(RESOURCE.encode(), PARTITIONS) == PARTITION
    assert f"of {PARTITIONS} partitions it is partition {PARTITION}." in README
    assert f"`{REQUEST}`" in README


def test_limits_are_those_of_the_code() -> None:
    assert limits.COMMAND_MAX_AGE_MS == 24 * 60 * 60 * 1_000
    assert limits.COMMAND_MAX_AHEAD_MS == 5 * 60 * 1_000
    assert "from 5 minutes ahead to 24 hours behind" in README
    assert f"`{RESOURCE_TYPE_PATTERN}`" in README
    assert f"1 to {limits.RESOURCE_ID_MAX_CHARS} characters" in README
    assert f"{limits.RUN_MAX_RECORDS:,} records or {limits.RUN_MAX_BYTES >> 20} MiB" in README
    assert f"over {limits.RECORD_MAX_BYTES >> 20} MiB" in README
    assert f"A value has at most {limits.COMMAND_MAX_BYTES:,} bytes" in README
    assert f"a payload at most {limits.PAYLOAD_MAX_BYTES:,}" in README
    assert f"1 to {limits.JUSTIFICATION_MAX_CHARS:,} characters" in README
    assert f"A number has at most {limits.NUMBER_MAX_CHARS} characters" in README


def test_refusals_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", README.partition("## Refusals")[2], flags=re.MULTILINE)
    assert rows == [(code.value, sentence) for code, sentence in WHAT_TO_DO.items()]


def test_paths_exist() -> None:
    contracts = Path(assent_contracts.__file__).parents[1]
    for path in re.findall(r"`((?:assent_contracts|asyncapi)[a-z_/]*\.(?:py|yaml))`", README):
        assert (contracts / path).is_file()
