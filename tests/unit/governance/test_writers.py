"""Writers: added and retired by two administrators, or by the recovery key alone."""

import pytest

from assent_contracts.codec import encode
from assent_contracts.core.governance.decide import decide_at_once
from assent_contracts.core.governance.handle import GovernanceLedgerState, handle_governance, handle_recovery
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.received import Received
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import AddWriter, RegisterKey, RetireWriter
from assent_contracts.governance_messages import (
    ChangeGovernance,
    GovernanceCommand,
    GovernanceEvent,
    KeyRevoked,
    RecoverWriters,
    WriterAdded,
    WriterRetired,
)
from assent_contracts.governance_objects import SigningKey, Writer
from assent_contracts.limits import WRITERS_MAX
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.people import (
    DAY_MS,
    FOUNDER,
    RECOVERY_KEY,
    START,
    WRITER,
    force,
    open_founding,
    organisation,
    public_key_of,
)
from tests.unit.governance.answers import BAD_IDS, at_once, fits, unprotected


def writer(name: str = "writer-2", key: str | None = None) -> Writer:
    return Writer(id=name, public_key=key or public_key_of(name))


def two_writers() -> Governance:
    governance = organisation()
    force(governance, AddWriter(writer=writer()))
    return governance


@pytest.mark.parametrize("change", [AddWriter(writer=writer("writer-3")), RetireWriter(writer="writer-1")])
def test_one_administrator_alone_never_changes_writers_after_the_first_policy(
    change: AddWriter | RetireWriter,
) -> None:
    governance = two_writers()
    assert at_once(governance, "carol", change) == "approval-required"
    assert at_once(governance, "alice", change) == "not-permitted"
    assert fits(governance, change) == ""


def test_before_the_first_policy_an_administrator_changes_writers_alone() -> None:
    governance = unprotected()
    assert at_once(governance, "carol", AddWriter(writer=writer())) == ""
    assert governance.writers_since == governance.seq
    assert at_once(governance, "carol", RetireWriter(writer="writer-1")) == ""
    assert set(governance.writers) == {"writer-2"}


@pytest.mark.parametrize("name", [*BAD_IDS, "recovery", "writer-1"])
def test_writer_s_id_is_new_and_not_the_recovery_key_s(name: str) -> None:
    assert fits(organisation(), AddWriter(writer=writer(name))) in {"malformed", "id-taken"}


@pytest.mark.parametrize("key", [WRITER, FOUNDER, RECOVERY_KEY, public_key_of("alice")])
def test_writer_s_key_belongs_to_nobody_else(key: str) -> None:
    assert fits(organisation(), AddWriter(writer=writer(key=key))) == "id-taken"
    assert fits(organisation(), AddWriter(writer=writer(key="AAAA"))) == "malformed"


@pytest.mark.parametrize("key", [WRITER, FOUNDER, RECOVERY_KEY])
def test_writer_s_key_cannot_be_registered_as_an_account_s_key(key: str) -> None:
    wanted = SigningKey(id="k", principal="bob", public_key=key, not_before=START, not_after=START + DAY_MS)
    assert fits(organisation(), RegisterKey(key=wanted)) == "id-taken"


def test_retired_writer_is_never_a_writer_again() -> None:
    governance = two_writers()
    force(governance, RetireWriter(writer="writer-1"))
    assert fits(governance, RetireWriter(writer="writer-1")) == "already-so"
    assert fits(governance, AddWriter(writer=writer("writer-1", public_key_of("x")))) == "id-taken"
    assert fits(governance, AddWriter(writer=writer("writer-3", WRITER))) == "id-taken"
    assert fits(governance, RetireWriter(writer="nobody")) == "unknown-object"


def test_last_writer_is_not_retired() -> None:
    assert fits(organisation(), RetireWriter(writer="writer-1")) == "last-writer"
    governance = two_writers()
    force(governance, RetireWriter(writer="writer-1"))
    assert fits(governance, RetireWriter(writer="writer-2")) == "last-writer"


def test_writers_have_a_limit() -> None:
    governance = organisation()
    for number in range(2, WRITERS_MAX + 1):
        force(governance, AddWriter(writer=writer(f"writer-{number}")))
    assert fits(governance, AddWriter(writer=writer("one-more"))) == "quota-exceeded"


def recovered(
    governance: Governance, command: GovernanceCommand, *, good: bool = True
) -> tuple[GovernanceEvent, ...] | str:
    """The decision on a command signed, or not, with the recovery key; or the refusal's code."""
    record = GovernanceLedgerState()
    record.governance = governance
    value = encode(command)
    received = Received[GovernanceCommand](
        command, value, bytes.fromhex(sha256_hex(value)), "recovery", "sig"
    )
    decision = handle_recovery(record, received, signature_good=good)
    return decision.code.value if isinstance(decision, Refusal) else decision


def recovery(
    *add: Writer, retire: tuple[str, ...] = (), principal: str = "recovery", at: int = START
) -> RecoverWriters:
    return RecoverWriters(id="r-1", principal=principal, at=at, add=add, retire=retire)


def test_recovery_key_replaces_writers_alone() -> None:
    assert recovered(organisation(), recovery(writer(), retire=("writer-1",))) == (
        WriterAdded(writer=writer()),
        WriterRetired(writer="writer-1"),
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (recovery(), "malformed"),
        (recovery(retire=("writer-1",)), "last-writer"),
        (recovery(writer(), retire=("writer-1", "writer-2")), "last-writer"),
        (recovery(writer(), retire=("writer-1", "writer-1")), "malformed"),
        (recovery(writer(), writer()), "id-taken"),
        (recovery(writer("writer-2", WRITER)), "id-taken"),
        (recovery(writer("a"), writer("b", public_key_of("a"))), "id-taken"),
        (recovery(writer(), retire=("nobody",)), "unknown-object"),
        (recovery(writer(), principal="carol"), "unknown-key"),
    ],
)
def test_recovery_key_obeys_the_rules_of_writers(command: RecoverWriters, answer: str) -> None:
    assert recovered(organisation(), command) == answer


def test_recovery_command_not_signed_by_its_key_is_refused() -> None:
    assert recovered(organisation(), recovery(writer()), good=False) == "bad-signature"


def test_recovery_key_does_nothing_but_replace_writers() -> None:
    """It belongs to no account: whatever it signs for a decider, the sender is unknown."""
    for change in (AddWriter(writer=writer()), RetireWriter(writer="writer-1")):
        for principal in ("recovery", "carol"):
            command = ChangeGovernance(id="r-1", principal=principal, at=START, change=change)
            assert recovered(organisation(), command) == "not-permitted"
            assert decided(command, "recovery") == "unknown-key"


def decided(command: GovernanceCommand, key: str) -> str:
    """A decider's answer to a command that this key has correctly signed."""
    record = GovernanceLedgerState()
    record.governance = organisation()
    value = encode(command)
    received = Received(command, value, bytes.fromhex(sha256_hex(value)), key, "sig")
    decision = handle_governance(record, received, signature_good=True, at=START, received_at=START)
    assert isinstance(decision, Refusal)
    return decision.code.value


def test_no_other_key_sends_what_only_the_recovery_key_may_sign() -> None:
    assert decided(recovery(writer()), "carol-key") == "unknown-key"
    assert decided(recovery(writer(), principal="carol"), "carol-key") == "not-permitted"
    assert decided(recovery(writer(), principal="carol"), "recovery") == "unknown-key"


def test_accounts_and_the_founder_cannot_recover_writers() -> None:
    decision = decide_at_once(organisation(), recovery(writer(), principal="carol"), START, through=None)
    assert isinstance(decision, Refusal)
    assert decision.code is RefusalCode.NOT_PERMITTED
    assert recovered(open_founding(), recovery(writer())) == "not-permitted"


def test_impossible_events_and_log_time_far_ahead_do_not_block_the_recovery_key() -> None:
    """A stolen writer key can seal both: neither may stop the holder of the recovery key."""
    governance = organisation()
    governance.evolve(governance.seq + 1, (KeyRevoked(key="nope"), WriterRetired(writer="zz")))
    record = GovernanceLedgerState()
    record.governance, record.at = governance, 1 << 50
    command = recovery(writer(), retire=("writer-1",))
    value = encode(command)
    received = Received[GovernanceCommand](
        command, value, bytes.fromhex(sha256_hex(value)), "recovery", "sig"
    )
    assert not isinstance(handle_recovery(record, received, signature_good=True), Refusal)
