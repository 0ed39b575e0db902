"""What an applier may do with a change, by the state of its request on the ledger. Pure."""

from collections.abc import Collection

from msgspec import UNSET

from assent_contracts.client.handled import Handled
from assent_contracts.client.handler_run import Report
from assent_contracts.client.open_requests import Grant, OpenRequest
from assent_contracts.commands import Claim, ReportOutcome
from assent_contracts.digests import sha256_hex
from assent_contracts.released_change import Change
from assent_contracts.resources import resource_type


def left_alone(
    change: Change | None,
    found: OpenRequest | None,
    *,
    types: Collection[str] | None,
    in_hand: bool,
    other: bool = False,
) -> Handled | None:
    """Why a record of `assent.changes` is not claimed, by its request; None if that waits for a claim.

    `types`: the resource types that are applied here, if not all. `other`: another release of this id is in
    progress, from a log that was restored since. Evidence is checked after this.
    """
    if change is None:
        return Handled(result="unreadable", detail="This is not a change.")
    if found is None:
        return Handled(result="not-open", detail="The ledger has no open request of this id here.")
    if found.was_release(change):
        return Handled(result="not-open", detail="It has been released again since.")
    if not found.is_release(change):
        return Handled(result="forged", detail="This is not what the ledger has released, if anything.")
    if not found.is_for_appliers:
        # Its claim would be refused, and would wait until governance is another one.
        return Handled(result="forged", detail="Assent itself carries it out, and offers it to no applier.")
    if types is not None and resource_type(change.resource) not in types:
        return Handled(result="other-type")
    if other:
        return Handled(result="other-release", detail="Another release of this id is in progress.")
    if in_hand:
        return Handled(result="in-hand")
    if found.grant is not None:
        return Handled(result="not-open", detail=f"{found.grant.applier} has claimed it.")
    return None


def granted(found: OpenRequest | None, claim: Claim) -> Grant | str | None:
    """The grant of this decided claim, or why there is nothing to do; None if the claim was refused."""
    if found is None or found.release is None:
        return "The request has ended."
    grant = found.grant
    if grant is not None and (grant.command != claim.id or grant.applier != claim.principal):
        return f"{grant.applier} has claimed it."
    return grant


def not_to_apply(change: Change, digest: str, found: OpenRequest | None) -> Report | None:
    """The outcome of a claimed change that is not the released one; None if it is the released one.

    `digest`: the digest in the granted claim.
    """
    if sha256_hex(change.payload) != digest or (found is not None and not found.is_release(change)):
        return Report("failed", "Nothing was changed: the change is not what the ledger has released.")
    return None


def is_settled(found: OpenRequest | None, principal: str, report: ReportOutcome) -> bool:
    """Whether this applier has nothing more to report about a request."""
    grant = None if found is None else found.grant
    if found is None or grant is None or grant.applier != principal:
        return True
    if report.claim is not UNSET and report.claim != grant.claim:
        return True  # people had it applied again, under another claim
    return report.outcome == "unknown" and found.unsettled
