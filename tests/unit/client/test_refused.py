"""What a process that follows governance keeps of refusals, which anybody can cause."""

import hashlib
import tracemalloc

from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.governance_changes import RetireWriter
from assent_contracts.ledger import OmittedCommand, decode_record
from assent_contracts.limits import COMMAND_MEMORY_MS
from assent_contracts.refusals import Refusal, RefusalCode
from tests.support.chains import Chains

STRANGERS = 2_000
BYTES_EACH = 100


def follower_of(chains: Chains) -> GovernanceFollower:
    """A follower that has read all of governance."""
    follower = GovernanceFollower(Connection(bootstrap="nobody"), chains.identity)
    for accepted in chains.governance.records:
        follower._take(accepted)
    return follower


def test_input_of_strangers_takes_no_memory_in_followers() -> None:
    """Unsigned records on the topic of commands: each becomes a refusal on the ledger, for ever."""
    chains = Chains()
    follower = follower_of(chains)
    unsigned = refuse(RefusalCode.BAD_SIGNATURE, "The command carries no signature.")
    first = len(chains.governance.records)
    for number in range(STRANGERS):
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        chains.put_governance(unsigned, OmittedCommand(sha256=digest, size=1))
    values = [each.value for each in chains.governance.records[first:]]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for seq, value in enumerate(values, start=first):
        follower._take(Accepted(seq, decode_record(value), value, hashlib.sha256(value).hexdigest()))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(follower.refused) == 0
    assert (after - before) / STRANGERS < BYTES_EACH


def test_refusal_of_an_account_is_remembered_as_long_as_a_copy_of_its_command_can_come() -> None:
    chains = Chains()
    first = len(chains.governance.records)
    refusal = refused_again(chains)
    chains.at += COMMAND_MEMORY_MS
    refused_again(chains)
    chains.at += 1
    refused_again(chains)
    assert follower_of(chains).refused.of(first) == refusal, "the last record could be the answer to a copy"
    refused_again(chains)
    refused = follower_of(chains).refused
    assert refused.of(first) is None
    assert refused.of(first + 1) == refusal


def refused_again(chains: Chains) -> Refusal:
    decision = chains.change("carol", RetireWriter(writer="writer-1"))
    assert isinstance(decision, Refusal)
    return decision
