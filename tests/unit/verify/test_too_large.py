"""`audit verify` after a command whose decision was too large for a record: it had no effect."""

import pytest

from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.requests_verifier import RequestsVerifier
from assent_contracts import limits
from assent_contracts.codec import encode, too_large
from assent_contracts.governance_changes import RegisterPrincipal
from assent_contracts.governance_objects import Account
from assent_contracts.refusals import Refusal
from tests.support.chains import Chains, key_of, signed

NEW = RegisterPrincipal(account=Account(id="erin", kind="human", person="p-erin"))
REFUSED = too_large("the decision's record", None, limits.RECORD_MAX_BYTES, "bytes")


def verified(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> tuple[GovernanceVerifier, RequestsVerifier]:
    """With a limit that every decision exceeds, for checks of that limit."""
    monkeypatch.setattr(limits, "RECORD_MAX_BYTES", 1)
    return chains.verified()


def test_same_object_is_free_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    chains = Chains()
    command = signed(encode(chains.submission()), key_of("carol"), chains.identity)
    named, at = len(chains.history) - 1, chains.at
    came = {"at": at, "received_at": at, "input_offset": chains.requests.next_input}
    chains.requests.put(REFUSED, governance=named, command=command, **came)
    assert not isinstance(chains.send(chains.submission()), Refusal)
    _, requests = verified(chains, monkeypatch)
    assert (requests.tally.records, requests.tally.refusals) == (2, 1)


def test_same_governance_change_counts_when_it_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    chains = Chains()
    command = signed(encode(chains.changing("carol", NEW)), key_of("carol"), chains.identity)
    chains.put_governance(REFUSED, command)
    assert not isinstance(chains.change("carol", NEW), Refusal)
    governance, _ = verified(chains, monkeypatch)
    assert governance.tally.refusals == 1
    assert governance.history == chains.history
