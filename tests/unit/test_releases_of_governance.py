"""The records of requests that governance has to carry out, whatever else is next to them."""

from typing import Any

from msgspec import UNSET

from assent_contracts.acceptance import Accepted, first_head
from assent_contracts.core.writer.chain import Chain
from assent_contracts.core.writer.governance_releases import GovernanceReleases
from assent_contracts.digests import sha256_hex
from assent_contracts.events import CommandRepeated
from assent_contracts.ledger import OmittedCommand, decode_events, decode_record
from tests.support.chains import Chains


def kept(chains: Chains, index: int) -> tuple[Any, ...]:
    return decode_events(chains.requests.records[index].record)


def taken(releases: GovernanceReleases, *events: Any, command: Any = UNSET) -> bool:
    chain = Chain(first_head("ledger", "1d" * 32), 1)
    value = chain.link(b"x", events, at=1, governance=0, input_offset=0, received_at=1, command=command).value
    return releases.take(Accepted(0, decode_record(value), value, sha256_hex(value)))


def test_submission_whose_command_is_not_kept_is_not_carried_out() -> None:
    chains = Chains()
    chains.released()
    releases = GovernanceReleases()
    [submitted, *_] = kept(chains, 0)
    [released] = kept(chains, 2)
    assert not taken(releases, submitted, command=OmittedCommand(sha256="0" * 64, size=1))
    assert not taken(releases, released)
    assert releases.waiting() == ()


def test_record_about_no_request_is_skipped() -> None:
    chains = Chains()
    chains.submitted()
    [submitted, *_] = kept(chains, 0)
    assert not taken(GovernanceReleases(), CommandRepeated(decided=0), submitted)
