"""The timeline of a request on a terminal."""

import pytest

from assent.cli import formatting, output
from assent.reading.audit_entries import AuditEntry, Words


def test_timeline_names_the_governance_ledger(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_consoles", {})
    fields = {"at": 0, "request": "2-7", "resource": None, "principal": None, "command": None}
    rest = fields | {"outcome": "", "words": Words()}
    formatting.print_timeline(
        [
            AuditEntry(ledger="assent.ledger", partition=2, seq=7, **rest),
            AuditEntry(ledger="assent.governance", partition=0, seq=35, **rest),
        ]
    )
    printed = capsys.readouterr().out
    assert " governance/35 " in printed
    assert " 2/7 " in printed
