"""R23: a terminal states what it did not show of what is decided on."""

import io
import sys

import msgspec
import pytest

from assent.cli import output
from assent.cli.options import DEFAULT_OPTIONS
from assent.cli.submission_review import ReviewOptions, confirm
from assent.reading.proven_submission import ProvenSubmission
from assent.reading.submitted_content import Submitted
from assent_contracts.change_details import ChangeDetails
from assent_contracts.codec import encode
from assent_contracts.set_members import SetMember, SetPayload


class Terminal(io.StringIO):
    """Standard input of a person at a terminal."""

    def isatty(self) -> bool:
        return True


def of_set(members: int) -> ProvenSubmission:
    listed = tuple(
        SetMember(resource=f"app/{number}", operation="edit", digest="0" * 64) for number in range(members)
    )
    submitted = Submitted(
        request="0-1",
        at=0,
        received_at=0,
        governance=0,
        resource="app/rollout",
        resource_type="app",
        operation="edit",
        requester="alice",
        on_behalf_of=None,
        justification="Together.",
        details=ChangeDetails(members=members),
        newest_version=None,
        payload=msgspec.Raw(encode(SetPayload(members=listed))),
        sha256="1" * 64,
        digest="2" * 64,
    )
    return ProvenSubmission(submitted=submitted, through=None, is_sealed=True, change=None)


def test_R23_R29_a_set_is_asked_about_with_the_contents_that_are_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_consoles", {})
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    confirm(of_set(3), ReviewOptions(verb="Approve", yes=False, submission=None), DEFAULT_OPTIONS)
    shown = " ".join(capsys.readouterr().out.split())
    assert "app/2" in shown
    assert "THE CONTENTS OF THESE OBJECTS ARE NOT SHOWN" in shown
    assert "Approve request 0-1, whose 3 objects were shown without their contents? [y/N]" in shown
