"""One seeded fault."""

from typing import Final

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """A patch to one file that breaks an invariant."""

    breaks: str
    """What no longer holds, in a few words."""
    file: str
    old: str
    """Occurs exactly once in the file."""
    new: str
    tests: tuple[str, ...]
    """The unit tests of its area; the simulation runs as well."""


CONTRACTS: Final = "contracts/assent_contracts"
CORE: Final = f"{CONTRACTS}/core"
REQUESTS: Final = f"{CORE}/requests"
GOVERNANCE: Final = f"{CORE}/governance"
WRITER: Final = f"{CORE}/writer"

OF_REQUESTS: Final = (
    "tests/unit/test_sequences.py",
    "tests/unit/test_request_rules.py",
    "tests/unit/test_approval_rules.py",
    "tests/unit/test_request_ends.py",
    "tests/unit/test_requester_rules.py",
    "tests/unit/test_quorum.py",
    "tests/unit/test_closing.py",
    "tests/unit/test_sender.py",
)
OF_GOVERNANCE: Final = ("tests/unit/governance",)
OF_SENDERS: Final = (
    "tests/unit/test_sender.py",
    "tests/unit/test_receive.py",
    "tests/unit/test_gateway.py",
    "tests/unit/governance/test_keys.py",
)
OF_ACCEPTANCE: Final = ("tests/unit/test_acceptance_rule.py", "tests/unit/test_governance_sealers.py")
OF_THE_WRITER: Final = ("tests/unit/test_writer.py",)
OF_ROWS: Final = ("tests/unit/test_status_fold.py", "tests/unit/test_status_by_command.py")
OF_APPLIERS: Final = ("tests/unit/applier", "tests/unit/evidence")
