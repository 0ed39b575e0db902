"""How a release on the request ledger changes governance, from the signed submission."""

import msgspec

from assent_contracts.core.governance.decide import Release, carry_out
from assent_contracts.core.governance.field_limits import refuse
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_codec import decode_governance_change
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal, RefusalCode


class _Submission(msgspec.Struct):
    principal: str
    payload: msgspec.Raw


_decode_submission = msgspec.json.Decoder(_Submission).decode


def carry_release(
    governance: Governance,
    submission: bytes | msgspec.Raw,
    at: int,
    *,
    request: str,
    released: int,
    digest: str,
    as_of: int,
) -> tuple[GovernanceEvent, ...]:
    """The events of the release at seq `released` of the request's partition. `at`: log time in ms.

    `submission`: the bytes of the SubmitChange that opened the request. `as_of`: the governance seq under
    which it was decided.
    """
    submitted = _decode_submission(submission)
    payload = bytes(submitted.payload)
    release = Release(
        request=request, released=released, digest=digest, as_of=as_of, requester=submitted.principal
    )
    if sha256_hex(payload) != digest:
        change = refuse(RefusalCode.DIGEST_MISMATCH, "What was submitted does not have the released digest.")
    else:
        change = decode_governance_change(payload)
    if isinstance(change, Refusal):
        # Only a readable change is opened as a request, so no honest writer opened this one. It ends here.
        return (release.refused(change),)
    return carry_out(governance, change, release, at)
