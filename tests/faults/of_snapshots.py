"""Faults in snapshots: what they leave out, and which of them a takeover starts from."""

from typing import Final

from tests.faults.fault import CONTRACTS, CORE, Fault

_OF_THE_CONTENT: Final = ("tests/contract/test_snapshot_form.py", "tests/property/test_partition_state.py")
_OF_TAKEOVERS: Final = ("tests/integration/decider/test_snapshots.py",)
_STATE: Final = f"{CORE}/requests/partition_state.py"
_START: Final = "services/assent/decider/snapshot_start.py"

FAULTS: Final = (
    Fault(
        "a snapshot forgets which commands were decided",
        _STATE,
        "        made.memory = CommandMemory.of(content.memory)\n",
        "        made.memory = CommandMemory()\n",
        _OF_THE_CONTENT,
    ),
    Fault(
        "a snapshot forgets the findings",
        _STATE,
        "        made.findings = ObjectFindings.of(content.findings)\n",
        "        made.findings = ObjectFindings()\n",
        _OF_THE_CONTENT,
    ),
    Fault(
        "a snapshot forgets that writers were changed",
        _STATE,
        "        made.writers_since = content.writers_since\n",
        "",
        _OF_THE_CONTENT,
    ),
    Fault(
        "a snapshot of any writer that ever was counts",
        f"{CONTRACTS}/snapshots.py",
        "    return verdict_on(snapshot_message(identity, value), headers, writers, verify)\n",
        '    return "good"\n',
        _OF_TAKEOVERS,
    ),
    Fault(
        "a snapshot from before an accepted loss is used",
        f"{CONTRACTS}/snapshots.py",
        "    if manifest.era != era:\n",
        "    if not era:\n",
        _OF_TAKEOVERS,
    ),
    Fault(
        "a snapshot of a longer history than the one that is known is used",
        f"{CONTRACTS}/snapshots.py",
        "    if manifest.seq > known:\n",
        "    if manifest.seq < 0:\n",
        _OF_TAKEOVERS,
    ),
    Fault(
        "a snapshot is used although the ledger does not have its last record",
        _START,
        "    if found.beginning > 0 or found.sha256 != head.value_sha256:\n",
        "    if found.beginning > 0:\n",
        _OF_TAKEOVERS,
    ),
    Fault(
        "a snapshot is used although its bytes are not the signed ones",
        "services/assent/decider/snapshot_topic.py",
        "        return bytes(content) if is_whole else None\n",
        "        return bytes(content)\n",
        _OF_TAKEOVERS,
    ),
)
