"""Faults in the projectors' fold, in the ledger checks of appliers and dispatch, and in evidence."""

from typing import Final

from tests.faults.fault import CONTRACTS, OF_APPLIERS, OF_ROWS, Fault


def _rows(breaks: str, old: str, new: str) -> Fault:
    return Fault(breaks, "services/assent/status/row_fold.py", old, new, OF_ROWS)


def _client(breaks: str, file: str, old: str, new: str) -> Fault:
    return Fault(breaks, f"{CONTRACTS}/client/{file}.py", old, new, OF_APPLIERS)


def _evidence(breaks: str, file: str, old: str, new: str) -> Fault:
    tests = (*OF_APPLIERS, "tests/unit/verify/test_releases_again.py")
    return Fault(breaks, f"{CONTRACTS}/evidence/{file}.py", old, new, tests)


FAULTS: Final = (
    _rows(
        "a row keeps a revoked approval",
        "    if len(after.approvals) != len(row.approvals):\n",
        "    if len(after.approvals) > len(row.approvals):\n",
    ),
    _rows(
        "a row does not show that a request is approved",
        "    row.status, row.progress = status_of(after)\n",
        "    row.status, row.progress = status_of(before)\n",
    ),
    _rows(
        "a row has another record's seq",
        "    row.changed_at, row.last_seq = moment.at, moment.seq\n",
        "    row.changed_at = moment.at\n",
    ),
    _rows(
        "a row's deadline does not move",
        "    row.deadline = _deadline(after)\n",
        "",
    ),
    _rows(
        "events of a second request are folded into the first one's row",
        "            row = rows[seq]\n",
        "            row = rows[min(rows)]\n",
    ),
    _client(
        "a change with another payload is accepted as the release",
        "open_requests",
        "        if hashlib.sha256(payload).hexdigest() != self.digest:\n",
        "        if not payload:\n",
    ),
    _client(
        "a change with another operation is accepted as the release",
        "open_requests",
        "            return self._change(change.payload, release) == change\n",
        "            return self._change(change.payload, release).digest == change.digest\n",
    ),
    _client(
        "an ended request's change waits to be claimed",
        "open_requests",
        "            del self._open[seq]\n",
        "            self._open.get(seq)\n",
    ),
    _client(
        "a claimed change is dispatched again",
        "open_requests",
        "if each.release is not None and each.grant is None and each.is_for_appliers",
        "if each.release is not None and each.is_for_appliers",
    ),
    _client(
        "a change that is not the release is claimed",
        "applier_steps",
        "    if not found.is_release(change):\n        return Handled",
        "    if found.release is None:\n        return Handled",
    ),
    _client(
        "a change that another applier has claimed is applied",
        "applier_steps",
        "    if grant is not None and (grant.command != claim.id or grant.applier != claim.principal):\n",
        "    if grant is not None and not grant.applier:\n",
    ),
    _client(
        "a claimed change that is not the release is applied",
        "applier_steps",
        "    if sha256_hex(change.payload) != digest or (",
        "    if not digest and (",
    ),
    _client(
        "a change that was claimed before a crash counts as not begun",
        "applier_journal",
        '            entry.may_be_applied = "claim" in entry.parts\n',
        '            entry.may_be_applied = "begun" in entry.parts\n',
    ),
    _client(
        "what could not be synced counts as durable",
        "record_file",
        "                self._failed = error  # which all who wait raise\n",
        "                self._synced = appended\n",
    ),
    _client(
        "a record is read although its checksum is another",
        "record_file",
        "        return value if len(value) == length and zlib.crc32(value) == checksum else None\n",
        "        return value if len(value) == length else None\n",
    ),
    _client(
        "an applier with another secret than its key's is ready",
        "applier_account",
        "    if registered.public_key != key.public_key:\n",
        "    if not registered.public_key:\n",
    ),
    _client(
        "an outcome after a crash is reported as failed",
        "handler_run",
        "    if begun:\n",
        "    if not begun:\n",
    ),
    _client(
        "an outcome that the ledger does not have counts as reported",
        "applier_steps",
        '    return report.outcome == "unknown" and found.unsettled\n',
        '    return report.outcome == "unknown" or found.unsettled\n',
    ),
    _evidence(
        "a release counts although an approval's signature is invalid",
        "requests_evidence",
        "            if not is_good(command):\n",
        "            if not kind:\n",
    ),
    _evidence(
        "a release counts whatever its command would do",
        "repeated_decision",
        "    if isinstance(record.events, msgspec.Raw) and bytes(record.events) == encode(decision):\n",
        "    if isinstance(record.events, msgspec.Raw):\n",
    ),
    _evidence(
        "an approval counts twice",
        "repeated_decision",
        "    if received.value_sha256 in judged.spent:\n",
        "    if not received.value_sha256:\n",
    ),
    _evidence(
        "governance's claim of a release is believed",
        "release_references",
        "    if release.digest != claim.digest:\n",
        "    if not release.digest:\n",
    ),
)
