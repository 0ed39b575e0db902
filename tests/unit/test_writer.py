"""The writer of one partition: records depend only on what was received and what was given."""

import msgspec
from msgspec import UNSET

from assent_contracts.acceptance import Accepted, Head, first_head
from assent_contracts.client.keys import verify_signature
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.core.received import Envelope, open_envelope
from assent_contracts.core.requests.release_outcome import CARRIER
from assent_contracts.core.writer.batch import Batch
from assent_contracts.core.writer.chain import Link
from assent_contracts.core.writer.governance_desk import GovernanceDesk
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.core.writer.requests_desk import RequestsDesk
from assent_contracts.core.writer.unconfirmed_batches import OffsetsToRead, UnconfirmedBatches
from assent_contracts.core.writer.writer import Incoming, PartitionWriter, Sealer
from assent_contracts.digests import sha256_hex, to_base64url
from assent_contracts.events import CommandRepeated, LogTimeCorrected, RequestCompleted, WritersChanged
from assent_contracts.evidence.command_signatures import CommandSignatures
from assent_contracts.governance_changes import RegisterKey, object_of
from assent_contracts.governance_messages import GOVERNANCE_KEY, CloseFounding, TimeCorrected
from assent_contracts.governance_objects import Settings, SigningKey
from assent_contracts.ledger import RecordedCommand, decode_events, decode_record, decode_recorded_command
from assent_contracts.refusals import RefusalCode
from assent_contracts.signing import command_message
from tests.support.chains import MORE, PARTITION, WRITER, Chains, SecretKey, key_of
from tests.support.people import DAY_MS, START, open_founding

SEALER = Sealer(WRITER.id, WRITER.public_key)


def a_writer(chains: Chains, sealer: Sealer = SEALER) -> PartitionWriter[RequestsDesk]:
    """A writer of the empty partition that has read governance."""
    writer = PartitionWriter(
        RequestsDesk(PARTITION),
        first_head("ledger", chains.identity),
        sealer=sealer,
        is_signed=CommandSignatures(chains.identity, verify_signature).has_signed,
    )
    follow(writer, chains)
    writer.begin()
    return writer


def follow(writer: PartitionWriter[RequestsDesk], chains: Chains) -> None:
    """The writer reads governance to its end."""
    writer.desk.follow(chains.history, len(chains.history) - 1)


def envelope(
    command: SubmitChange | CloseFounding, key: SecretKey, identity: str, kafka_key: bytes
) -> Envelope:
    """The command as received."""
    value = encode(command)
    signature = to_base64url(key.sign(command_message(identity, value)))
    opened = open_envelope(
        value, kafka_key, [("assent-key", key.id.encode()), ("assent-signature", signature.encode())]
    )
    assert isinstance(opened, Envelope)
    return opened


def submission(chains: Chains, key: SecretKey, offset: int = 7, came: int = START) -> Incoming:
    """Carol's submission, checked against the key that it names."""
    it = envelope(chains.submission(), key, chains.identity, object_of(MORE).encode())
    tried = key.public_key
    return Incoming(offset, came, it, tried, signature_good=True)


def test_log_time_does_not_go_back_for_a_command_with_an_earlier_time() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7, START + 60_000))
    writer.decide(submission(chains, key_of("carol"), 8))
    batch = writer.take_batch()
    assert batch is not None
    assert [decode_record(link.value).at for link in batch.links] == [START + 60_000] * 2
    assert batch.at == START + 60_000


def test_writer_that_takes_over_makes_the_same_next_record() -> None:
    chains = Chains()
    writer, successor = a_writer(chains), a_writer(chains)
    first = submission(chains, key_of("carol"), 7)
    writer.decide(first)
    batch = writer.take_batch()
    assert batch is not None
    for offset, link in enumerate(batch.links):
        successor.replay(Accepted(offset, decode_record(link.value), link.value, sha256_hex(link.value)))
    assert (successor.seq, successor.next_input, successor.epoch) == (0, 8, 1)
    for each in (writer, successor):
        each.decide(Incoming(8, START + 1, first.envelope, first.tried, signature_good=True))
    mine, theirs = writer.take_batch(), successor.take_batch()
    assert mine is not None
    assert mine == theirs
    assert writer.take_batch() is None


def test_key_registered_since_the_check_is_tried_by_the_writer() -> None:
    chains = Chains()
    new = SecretKey("carol-new", "carol", bytes([9]) * 32)
    writer = a_writer(chains)
    it = submission(chains, new)
    unchecked = Incoming(it.offset, START, it.envelope, None, signature_good=False)
    refused = writer.decide(unchecked).refusal
    assert refused is not None
    assert refused.code is RefusalCode.UNKNOWN_KEY
    registered = SigningKey(
        id=new.id, principal="carol", public_key=new.public, not_before=0, not_after=START * 2
    )
    chains.govern(chains.changing("carol", RegisterKey(key=registered)))
    follow(writer, chains)
    assert writer.decide(unchecked).refusal is None


def test_check_result_for_another_key_than_the_valid_one_is_not_believed() -> None:
    chains = Chains()
    writer = a_writer(chains)
    it = submission(chains, SecretKey("carol-key", "carol", bytes([9]) * 32))
    decided = writer.decide(it)
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.BAD_SIGNATURE
    assert decided.omitted is not None


def test_retired_writer_records_nothing_that_is_due() -> None:
    chains = Chains()
    retired = a_writer(chains, Sealer(WRITER.id, bytes(32)))
    assert retired.is_retired
    retired.desk.governance.writers_since = 1
    assert list(retired.record_due(START)) == []
    writer = a_writer(chains)
    writer.desk.governance.writers_since = 1
    assert len(list(writer.record_due(START))) == 1
    batch = writer.take_batch()
    assert batch is not None
    assert decode_events(decode_record(batch.links[0].value)) == (WritersChanged(since=1),)


def test_record_without_a_known_sender_s_command_keeps_its_hash_and_advances_the_input() -> None:
    chains = Chains()
    writer = a_writer(chains)
    opened = open_envelope(b"{}", b"key", [])
    writer.decide(Incoming(41, START, opened, None, signature_good=False))
    assert writer.next_input == 42
    batch = writer.take_batch()
    assert batch is not None
    assert batch.links[0].key is None
    assert not isinstance(decode_recorded_command(decode_record(batch.links[0].value)), RecordedCommand)


def test_until_the_founding_is_closed_only_the_founder_s_key_counts() -> None:
    identity = "0" * 64
    desk = GovernanceDesk()
    desk.record.governance = open_founding()
    desk.writers.head = desk.governance.seq
    writer = PartitionWriter(
        desk,
        Head(desk.governance.seq, identity),
        sealer=None,
        is_signed=CommandSignatures(identity, verify_signature).has_signed,
    )
    carol = SecretKey("carol-key", "carol", bytes([9]) * 32)
    it = envelope(CloseFounding(id="close", principal="carol", at=START), carol, identity, GOVERNANCE_KEY)
    decided = writer.decide(Incoming(0, START, it, carol.public_key, signature_good=True))
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.BAD_SIGNATURE
    assert desk.governance.founder is not None


def test_record_states_when_its_command_arrived_and_log_time_advances_to_that() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7, START + 9))
    batch = writer.take_batch()
    assert batch is not None
    record = decode_record(batch.links[0].value)
    assert (record.input, record.received, record.at) == (7, START + 9, START + 9)


def test_correction_of_log_time_is_recorded_at_once_in_an_idle_partition_and_never_twice() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7, START + 40 * DAY_MS))
    writer.desk.governance.evolve(writer.desk.governance.seq + 1, (TimeCorrected(to=START + 1_000),))
    assert writer.desk.at == START + 1_000
    due = list(writer.record_due(START + 60_000))
    assert [each.events for each in due] == [(LogTimeCorrected(since=writer.desk.governance.seq),)]
    batch = writer.take_batch()
    assert batch is not None
    record = decode_record(batch.links[-1].value)
    assert (record.at, record.governance) == (START + 60_000, writer.desk.governance.seq)
    assert list(writer.record_due(START + 120_000)) == []


def test_correction_of_log_time_waits_for_a_believed_time_and_is_not_dated_1970() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7, START + 40 * DAY_MS))
    writer.desk.governance.evolve(writer.desk.governance.seq + 1, (TimeCorrected(to=0),))
    assert list(writer.record_due(None)) == []
    assert len(list(writer.record_due(START))) == 1
    batch = writer.take_batch()
    assert batch is not None
    assert decode_record(batch.links[-1].value).at == START
    writer.desk.governance.writers_since = 1
    assert len(list(writer.record_due(None))) == 1
    assert writer.desk.at == START


def test_first_record_of_a_partition_waits_for_a_believed_time() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.desk.governance.writers_since = 1
    assert list(writer.record_due(None)) == []
    assert len(list(writer.record_due(START))) == 1


def test_release_waits_for_a_believed_time_while_governance_s_last_record_has_set_log_time_back() -> None:
    chains = Chains()
    chains.released()
    releases = GovernanceReleases()
    for accepted in chains.requests.records:
        releases.take(accepted)
    chains.put_governance((TimeCorrected(to=0),), UNSET, input_offset=UNSET)
    desk = GovernanceDesk(releases)
    desk.record.governance = chains.record.governance
    desk.record.at = 0
    writer = PartitionWriter(
        desk, first_head("governance", chains.identity), sealer=None, is_signed=lambda *_: True
    )
    assert list(writer.record_due(None)) == []
    desk.record.governance.evolve(desk.governance.seq + 1, ())
    assert desk.is_dated


def test_too_large_input_leaves_its_hash_and_size_and_counts_for_nobody() -> None:
    chains = Chains(Settings(commands_per_minute=1))
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7))
    for offset in (8, 9):
        decided = writer.decide(submission(chains, key_of("carol"), offset))
        assert decided.refusal is not None
        assert decided.refusal.code is RefusalCode.TOO_MANY_COMMANDS
        assert decided.omitted is not None
    assert writer.desk.remembered.sent("carol", START) == 1


def test_log_time_does_not_go_back_for_records_due_by_an_earlier_clock() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol"), 7, START + 60_000))
    writer.desk.governance.writers_since = 1
    assert len(list(writer.record_due(START))) == 1
    assert writer.desk.at == START + 60_000


def test_refused_command_sent_again_is_answered_with_its_first_decision() -> None:
    chains = Chains()
    writer = a_writer(chains)
    refused = msgspec.structs.replace(chains.submission(), principal="mallory")
    key = key_of("mallory")
    it = envelope(refused, key, chains.identity, object_of(MORE).encode())
    incoming = Incoming(7, START, it, key.public_key, signature_good=True)
    first = writer.decide(incoming)
    assert first.refusal is not None
    assert first.omitted is None
    writer.decide(msgspec.structs.replace(incoming, offset=8))
    batch = writer.take_batch()
    assert batch is not None
    assert decode_events(decode_record(batch.links[1].value)) == (CommandRepeated(decided=0),)


def test_command_signed_with_another_principal_s_key_leaves_only_its_hash() -> None:
    chains = Chains()
    writer = a_writer(chains)
    decided = writer.decide(submission(chains, key_of("dave")))
    assert decided.refusal is not None
    assert decided.refusal.code is RefusalCode.UNKNOWN_KEY
    assert decided.omitted is not None


def test_record_names_the_governance_under_which_it_was_decided() -> None:
    chains = Chains()
    writer = a_writer(chains)
    writer.decide(submission(chains, key_of("carol")))
    batch = writer.take_batch()
    assert batch is not None
    assert decode_record(batch.links[0].value).governance == len(chains.history) - 1
    assert batch.head.governance == len(chains.history) - 1


def test_R12_request_ends_once_governance_has_carried_it_out_and_only_once() -> None:
    chains = Chains()
    release = chains.released()
    writer = a_writer(chains)
    for accepted in chains.requests.records:
        writer.replay(accepted)
    assert list(writer.record_due(chains.at)) == []
    chains.carry(release)
    follow(writer, chains)
    (own,) = writer.record_due(chains.at)
    assert own.events == (RequestCompleted(request=release.request, reporter=CARRIER),)
    assert list(writer.record_due(chains.at)) == []


def test_R18_release_is_carried_out_once() -> None:
    chains = Chains()
    chains.released()
    releases = GovernanceReleases()
    assert [releases.take(accepted) for accepted in chains.requests.records] == [False, False, True]
    writer = PartitionWriter(
        GovernanceDesk(releases),
        first_head("governance", chains.identity),
        sealer=None,
        is_signed=CommandSignatures(chains.identity, verify_signature).has_signed,
    )
    for accepted in chains.governance.records:
        writer.replay(accepted)
    assert len(list(writer.record_due(chains.at))) == 1
    assert list(writer.record_due(chains.at)) == []


class Sending:
    """Two batches of one writer, as they are sent."""

    def __init__(self) -> None:
        self.unconfirmed = UnconfirmedBatches(Head(4, "04", 0, next_offset=10))
        self.unconfirmed.sent(Batch([Link(None, b"5"), Link(None, b"6")], Head(6, "06", 0), START))
        self.unconfirmed.sent(Batch([Link(None, b"7")], Head(7, "07", 0), START))


def test_batches_at_the_expected_places_need_no_reading() -> None:
    unconfirmed = Sending().unconfirmed
    assert unconfirmed.acknowledged(10) is None
    unconfirmed.confirm(10)
    assert unconfirmed.confirmed == Head(6, "06", 0, next_offset=12)
    assert unconfirmed.acknowledged(12) is None
    unconfirmed.confirm(12)
    assert (unconfirmed.confirmed, len(unconfirmed)) == (Head(7, "07", 0, next_offset=13), 0)


def test_records_in_between_are_read_from_the_confirmed_head_to_the_end_of_the_batch() -> None:
    unconfirmed = Sending().unconfirmed
    assert unconfirmed.acknowledged(13) == OffsetsToRead(10, 15)
    assert unconfirmed.is_accepted(Head(6, "06", 0))
    # Another writer's run of the same length is not this one.
    assert not unconfirmed.is_accepted(Head(6, "66", 0))
    assert not unconfirmed.is_accepted(Head(7, "77", 0))


def test_same_records_by_another_writer_count_at_their_first_place() -> None:
    """Otherwise the published head would be after records that nobody accepts, and look lost later."""
    unconfirmed = Sending().unconfirmed
    assert unconfirmed.acknowledged(13) == OffsetsToRead(10, 15)
    unconfirmed.confirm(13, Head(6, "06", 0, next_offset=12))
    assert unconfirmed.confirmed == Head(6, "06", 0, next_offset=12)
    # The next one is not at its expected place either: the second copy is skipped.
    assert unconfirmed.acknowledged(15) == OffsetsToRead(12, 16)
