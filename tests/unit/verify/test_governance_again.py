"""`audit verify` decides the governance ledger again: correct records pass, and each kind of lie is named."""

from collections.abc import Callable

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from assent.verify.finding import FindingError
from assent_contracts.codec import encode
from assent_contracts.events import CommandRepeated
from assent_contracts.governance_changes import (
    DefineGroup,
    DisablePrincipal,
    GovernanceChange,
    RegisterPrincipal,
    RevokeKey,
)
from assent_contracts.governance_messages import FoundingClosed, GroupDefined, PrincipalDisabled
from assent_contracts.governance_objects import Account, Group
from assent_contracts.ledger import OmittedCommand, RecordedCommand
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.topics import GOVERNANCE
from tests.support.chains import Chains, key_of, signed

NEW = RegisterPrincipal(account=Account(id="erin", kind="human", person="p-erin"))
DISABLE = DisablePrincipal(principal="bob")


@pytest.fixture
def chains() -> Chains:
    return Chains()


def finding(chains: Chains) -> tuple[int, str]:
    """The seq and the text of the finding in the governance ledger."""
    with pytest.raises(FindingError) as found:
        chains.verified()
    assert found.value.ledger == GOVERNANCE
    return found.value.seq, found.value.what


def command(chains: Chains, principal: str, change: GovernanceChange) -> RecordedCommand:
    """Well signed."""
    return signed(encode(chains.changing(principal, change)), key_of(principal), chains.identity)


def refusal(code: RefusalCode) -> Refusal:
    return Refusal(code=code, detail="No.")


def test_founding_changes_and_refusals_are_decided_again_the_same_way(chains: Chains) -> None:
    assert not isinstance(chains.change("carol", NEW), Refusal)
    assert isinstance(chains.change("mallory", DISABLE), Refusal)
    assert not isinstance(chains.change("dave", DISABLE), Refusal)
    governance, _ = chains.verified()
    assert governance.tally.commands == governance.tally.records == chains.governance.next_seq
    assert governance.tally.refusals == 1
    assert governance.history == chains.history


def test_refusal_in_other_words_is_the_same_refusal(chains: Chains) -> None:
    seq = chains.put_governance(refusal(RefusalCode.NOT_PERMITTED), command(chains, "mallory", DISABLE))
    assert chains.verified()[0].tally.records == seq + 1


def test_repeated_command_is_decided_again_as_repeated(chains: Chains) -> None:
    seq = chains.governance.next_seq
    again = chains.changing("carol", NEW)
    chains.govern(again)
    assert chains.govern(again) == (CommandRepeated(decided=seq),)
    chains.verified()


def test_R3_decision_that_the_rules_refuse_is_named(chains: Chains) -> None:
    seq = chains.put_governance((PrincipalDisabled(principal="bob"),), command(chains, "mallory", DISABLE))
    assert finding(chains) == (seq, "the rules refuse its command (not-permitted)")


def test_R18_direct_change_that_needs_approval_is_named(chains: Chains) -> None:
    version = chains.record.governance.version("governance/group/approvers")
    change = DefineGroup(group=Group(id="approvers", members=("mallory", "carol", "dave")), version=version)
    seq = chains.put_governance((GroupDefined(group=change.group),), command(chains, "carol", change))
    assert finding(chains) == (seq, "the rules refuse its command (approval-required)")


def test_events_that_differ_from_those_of_the_rules_are_named(chains: Chains) -> None:
    seq = chains.put_governance((PrincipalDisabled(principal="dave"),), command(chains, "carol", DISABLE))
    assert finding(chains) == (seq, "the rules decide its command otherwise")


@pytest.mark.parametrize(
    "forge",
    [
        lambda good, _: replace(good, signature=""),
        lambda good, _: replace(good, signature="AAAA"),
        lambda good, _: replace(good, key="dave-key"),
        lambda good, _: replace(good, key="nobodys-key"),
        lambda good, log: signed(bytes(good.value), key_of("dave"), log),
        lambda good, _: signed(bytes(good.value), key_of("carol"), "ab" * 32),
    ],
    ids=["no signature", "cut short", "another's key id", "unknown key", "another's key", "another log"],
)
def test_governance_command_not_signed_by_its_sender_is_named(
    chains: Chains, forge: Callable[[RecordedCommand, str], RecordedCommand]
) -> None:
    forged = forge(command(chains, "carol", DISABLE), chains.identity)
    seq = chains.put_governance((PrincipalDisabled(principal="bob"),), forged)
    where, what = finding(chains)
    assert where == seq
    assert what.startswith("the rules refuse its command")


def test_command_with_a_revoked_key_is_named(chains: Chains) -> None:
    made = command(chains, "bob", RevokeKey(key="bob-key"))
    assert not isinstance(chains.change("carol", RevokeKey(key="bob-key")), Refusal)
    seq = chains.put_governance((), made)
    assert finding(chains) == (seq, "the rules refuse its command (unknown-key)")


def test_founder_cannot_reopen_the_founding(chains: Chains) -> None:
    seq = chains.put_governance((FoundingClosed(),), command(chains, "founder", DISABLE), input_offset=UNSET)
    assert finding(chains) == (seq, "it names no input for its command")


def test_refusal_that_the_rules_do_not_give_is_named(chains: Chains) -> None:
    seq = chains.put_governance(refusal(RefusalCode.STALE), command(chains, "carol", DISABLE))
    assert finding(chains) == (seq, "it refuses a command that the rules do not refuse")


def test_refusal_for_another_reason_is_named(chains: Chains) -> None:
    seq = chains.put_governance(refusal(RefusalCode.STALE), command(chains, "mallory", DISABLE))
    assert finding(chains) == (seq, "the rules refuse its command (not-permitted)")


def test_refusal_that_carries_events_is_named(chains: Chains) -> None:
    seq = chains.governance.next_seq
    event = encode((PrincipalDisabled(principal="bob"),))
    chains.governance.put_altered(
        b'"refusal":',
        b'"events":' + event + b',"refusal":',
        refusal(RefusalCode.NOT_PERMITTED),
        at=chains.at,
        input_offset=seq,
        command=command(chains, "mallory", DISABLE),
    )
    assert finding(chains) == (seq, "it is not one decision: either events or a refusal")


def test_command_that_is_not_kept_must_have_been_refused_for_its_form_or_signature(chains: Chains) -> None:
    kept = OmittedCommand(sha256="0" * 64, size=12)
    for code in (
        *(RefusalCode.MALFORMED, RefusalCode.BAD_SIGNATURE, RefusalCode.UNKNOWN_KEY),
        RefusalCode.TOO_MANY_COMMANDS,
    ):
        chains.put_governance(refusal(code), kept)
    assert chains.verified()[0].tally.unreadable == 4
    seq = chains.put_governance((PrincipalDisabled(principal="bob"),), kept)
    why = "a command that is not kept was not refused for its form, its signature or its number"
    assert finding(chains) == (seq, why)


def test_unsigned_command_must_not_be_kept(chains: Chains) -> None:
    """Anybody could have sent the bytes, and the ledger would keep them for ever."""
    sent = signed(encode(chains.changing("carol", DISABLE)), key_of("mallory"), chains.identity)
    seq = chains.put_governance(refusal(RefusalCode.BAD_SIGNATURE), sent)
    assert finding(chains) == (seq, "it holds a command that was refused as bad-signature")


def test_record_without_a_command_is_named(chains: Chains) -> None:
    seq = chains.put_governance((PrincipalDisabled(principal="bob"),), UNSET, input_offset=UNSET)
    assert finding(chains) == (seq, "it has no command")


def test_log_time_that_goes_back_is_named(chains: Chains) -> None:
    made = command(chains, "carol", DISABLE)
    seq = chains.put_governance((PrincipalDisabled(principal="bob"),), made, at=chains.at - 1)
    assert finding(chains) == (seq, "log time goes back")


def test_unreadable_events_are_named(chains: Chains) -> None:
    seq = chains.governance.next_seq
    chains.governance.put_altered(
        b"principal-disabled.v1",
        b"principal-promoted.v1",
        (PrincipalDisabled(principal="bob"),),
        at=chains.at,
        input_offset=seq,
        command=command(chains, "carol", DISABLE),
    )
    where, what = finding(chains)
    assert where == seq
    assert what.startswith("it cannot be read")


def test_invalid_governance_command_is_named(chains: Chains) -> None:
    for value in (b"{}", encode(chains.submission())):
        other = Chains()
        seq = other.put_governance(
            (PrincipalDisabled(principal="bob"),), signed(value, key_of("carol"), other.identity)
        )
        where, what = finding(other)
        assert where == seq
        assert what.startswith("its command is not well-formed")
