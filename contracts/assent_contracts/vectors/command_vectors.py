"""Commands as this library writes them, and what an applier reports of what its handler states."""

from typing import Any, Final

from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.change_details import HashedReference
from assent_contracts.client.handler import Applied
from assent_contracts.client.handler_run import report_of
from assent_contracts.client.outcome_message import outcome_message, outcome_version
from assent_contracts.codec import encode
from assent_contracts.digests import sha256_hex
from assent_contracts.limits import OUTCOME_MESSAGE_MAX_CHARS, VERSION_MAX_CHARS
from assent_contracts.set_members import SetPayload, member_of
from assent_contracts.vectors.vector_forms import base64_of
from assent_contracts.vectors.vector_log import AT, PAYLOAD, RESOURCE

_REQUEST: Final = "2-17"
_HOUR_MS: Final = 60 * 60 * 1_000


def _about(principal: str) -> dict[str, Any]:
    return {"id": "c-1", "principal": principal, "at": AT, "resource": RESOURCE}


def _of_request(principal: str) -> dict[str, Any]:
    return {**_about(principal), "request": _REQUEST}


def _submission(**fields: Any) -> c.SubmitChange:
    usual: dict[str, Any] = {
        "operation": "edit",
        "justification": "New rates. <&>\u2028 ✓",
        "payload": Raw(PAYLOAD),
    }
    return c.SubmitChange(**{**_about("alice"), **usual, **fields})


_TESTED: Final = (
    HashedReference(what='CI "17" ✓', sha256="ab" * 32, uri="https://ci.example/17?a=1&b=2"),
    HashedReference(what="A picture.", sha256="cd" * 32),
)
_MEMBERS: Final = (_submission(base='W/"17"'), _submission(resource="app/other", operation="delete"))


def _set() -> c.SubmitChange:
    payload = encode(SetPayload(members=tuple(map(member_of, _MEMBERS))))
    return _submission(
        resource="app/set", payload=Raw(payload), members=len(_MEMBERS), not_after=AT + _HOUR_MS
    )


_APPROVED: Final[dict[str, Any]] = {"submission": sha256_hex(b"what was submitted")}
_COMMANDS: Final[dict[str, c.Command]] = {
    "a submission": _submission(),
    "a submission on behalf of a person": _submission(principal="portal", on_behalf_of="alice"),
    "a submission with every field that is for approvers": _submission(
        impact="Payroll is slow for a minute.\nNo more.",
        fallback="Apply version 1 again.",
        tested=_TESTED,
        expected="New rates on the page.",
        emergency=True,
        tickets=("CHG-1", "#2"),
    ),
    "a submission that is not an emergency": _submission(emergency=False),
    "a submission with a base and a window": _submission(
        base='W/"17"', not_before=AT + 1, not_after=AT + _HOUR_MS
    ),
    "a set": _set(),
    "a member of a set": _submission(base='W/"17"', not_after=AT + _HOUR_MS, part_of=_REQUEST),
    "an approval": c.Approve(**_of_request("bob"), **_APPROVED, note='Seen: "all".'),
    "a rejection": c.Reject(**_of_request("bob"), **_APPROVED, note="Not before \u20ac 5."),
    "a revocation": c.Revoke(**_of_request("bob")),
    "a completion": c.Complete(**_of_request("alice"), **_APPROVED),
    "a cancellation": c.Cancel(**_of_request("alice")),
    "a closing": c.CloseRequest(**_of_request("carol"), reason="Nobody needs it."),
    "a settlement as succeeded": c.Settle(
        **_of_request("carol"), outcome="succeeded", reason="It is there.", claim=9
    ),
    "a settlement as failed": c.Settle(**_of_request("carol"), outcome="failed", reason="No.", claim=0),
    "a settlement that releases again": c.Settle(
        **_of_request("carol"), outcome="retry", reason="Try again.", claim=9
    ),
    "a claim": c.Claim(**_of_request("applier")),
    "a renewal of a lease": c.RenewLease(**_of_request("applier"), claim=9),
    "a report of a failure": c.ReportOutcome(
        **_of_request("applier"), outcome="failed", message="Nothing was changed.", claim=9
    ),
    "a report of an unknown outcome": c.ReportOutcome(
        **_of_request("applier"), outcome="unknown", message="", claim=0
    ),
}
_APPLIED: Final[dict[str, Applied]] = {
    "nothing": Applied(),
    "a message and a version": Applied("Done.", 'W/"18"'),
    "control characters": Applied("a\0b\x1b[1m\x85\n\r\tc"),
    "characters beyond the basic plane": Applied("\U0001f600 ✓"),
    "a message of the longest length": Applied("\U0001f600" * OUTCOME_MESSAGE_MAX_CHARS),
    "a message that is too long": Applied("x" * (OUTCOME_MESSAGE_MAX_CHARS + 1)),
    "a version of the longest length": Applied("", "v" * VERSION_MAX_CHARS),
    "a version that is too long": Applied("Done.", "v" * (VERSION_MAX_CHARS + 1)),
    "a version with a space": Applied("", "version 2"),
    "a version that is not ASCII": Applied("Done.", "v\u00e9"),
}


def vectors() -> dict[str, Any]:
    """The content of `commands.json`."""
    return {
        "section": "commands",
        "commands": [
            {"name": name, "value": base64_of(encode(command))} for name, command in _COMMANDS.items()
        ],
        "applied": [_reported(name, applied) for name, applied in _APPLIED.items()],
    }


def _reported(name: str, applied: Applied) -> dict[str, Any]:
    report = report_of(applied)
    command = c.ReportOutcome(
        **_of_request("applier"),
        outcome=report.outcome,
        message=outcome_message(report.message),
        claim=9,
        version=outcome_version(report.version),
    )
    stated = {"message": applied.message, "version": applied.version}
    return {"name": name, **stated, "value": base64_of(encode(command))}
