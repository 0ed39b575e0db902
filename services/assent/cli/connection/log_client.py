"""What commands ask of a log, whether they reach its Kafka and Postgres or a gateway."""

from typing import Any, Literal, Protocol

import msgspec

from assent.cli.connection.set_sending import SentSet, SetRefused
from assent.reading.audit_entries import AuditEntry
from assent.reading.explanations import Explained
from assent.reading.possible_approvers import Approver
from assent.reading.proven_submission import ProvenSubmission
from assent.store.finding_queries import FindingView
from assent.store.queries import RequestView
from assent_contracts.client.governance_publisher import GovernanceDecided
from assent_contracts.client.publisher import Decided
from assent_contracts.client.set_submission import SetCommands
from assent_contracts.commands import Command
from assent_contracts.core.governance.state import Governance
from assent_contracts.governance_changes import GovernanceChange
from assent_contracts.proof import NotProven

RequestList = Literal["mine", "received", "all"]
"""R7: the requests of the caller's person, those that the caller decides on, and all that they may see."""
COMMAND_SOURCE = "assent-cli"
"""The source that the command line names in its commands."""


class RequestDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A request with everything on record about it."""

    request: RequestView
    timeline: list[AuditEntry]
    history: list[dict[str, Any]]
    submission: ProvenSubmission | NotProven
    """R23: what was submitted, as the ledger proves it."""


class RequestApprovers(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and who can approve it now."""

    request: RequestView
    approvers: tuple[Approver, ...]


class RequestExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A request, its explanation, and sentences about what each rule asks for and has."""

    request: RequestView
    explained: Explained
    sentences: list[str]


class OpenRequestsOfType(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest open requests of one resource type, and how many there are."""

    requests: list[RequestView]
    count: int


class LogClient(Protocol):
    """One log, on behalf of one key's principal.

    In addition to what its docstring names, each method raises what its way to the log raises: KafkaError,
    NotFoundedError, TimeoutError, and what asyncpg raises; or GatewayUnreachableError, GatewayRefusalError
    and GatewayAnswerError.
    """

    async def governance(self) -> Governance:
        """The state of governance now, as the log's identity and its writers' seals prove it."""
        ...

    async def requests(self, which: RequestList, limit: int) -> list[RequestView]:
        """R7, R14: at most `limit` requests, the newest change first."""
        ...

    async def request(self, request: str) -> RequestView:
        """A request as it is now. Waits for one that was submitted a moment ago.

        Raises RequestNotFoundError.
        """
        ...

    async def details(self, request: str) -> RequestDetails:
        """A request with everything on record about it. Raises RequestNotFoundError."""
        ...

    async def submission(self, request: str) -> ProvenSubmission | NotProven:
        """R23: what was submitted, as the ledger proves it. Raises RequestNotFoundError."""
        ...

    async def approvers(self, request: str) -> RequestApprovers:
        """R4: who can approve a request now. Raises RequestNotFoundError, NotProjectedError."""
        ...

    async def explanation(self, request: str, principal: str | None) -> RequestExplanation:
        """The explanation of a request, and for `principal`.

        Raises RequestNotFoundError, NotProjectedError.
        """
        ...

    async def open_requests(self, resource_type: str) -> OpenRequestsOfType:
        """The open requests of one type, the oldest first, as many as `policy_effects.LISTED_MAX`."""
        ...

    async def audit_records(self, limit: int) -> list[AuditEntry]:
        """R16: the latest records of the audit log, the oldest of them first."""
        ...

    async def findings(self, *, only_open: bool, resource: str | None, limit: int) -> list[FindingView]:
        """R28: at most `limit` findings that the caller may see, the newest first."""
        ...

    async def finding(self, finding: str) -> FindingView:
        """R28: one finding. Raises FindingNotFoundError."""
        ...

    async def decide(self, command: Command) -> Decided:
        """Sign a command, publish it, and wait for its decision and for the tables to hold it.

        Raises UndecidedError when none comes in time.
        """
        ...

    async def decide_set(self, commands: SetCommands) -> SentSet | SetRefused:
        """R29: the same for a set and its members, which the tables may not hold yet.

        Raises UndecidedError when a decision does not come in time, with a note that names the set.
        """
        ...

    async def decide_change(self, change: GovernanceChange) -> GovernanceDecided:
        """The same for a change to governance that works at once. Raises UndecidedError."""
        ...


def unknown_request(request: str) -> str:
    """The message about a request that does not exist."""
    return f"There is no request {request}; `assent requests` lists them."


class RequestNotFoundError(Exception):
    """There is no such request, or the caller may not see it; the message states how to list requests."""


class FindingNotFoundError(Exception):
    """There is no such finding, or the caller may not see it; the message states how to list them."""

    def __init__(self, finding: str) -> None:
        super().__init__(f"There is no finding {finding[:40]}; `assent findings list` lists them.")


class NotProjectedError(Exception):
    """The tables do not have the records for the answer yet; the message states so."""


class UndecidedError(Exception):
    """No decision came in time; the command may still be decided."""

    def __init__(self, what: str, todo: str, command: str | None) -> None:
        """`todo`: how to find out. `command`: its id, where that is known."""
        super().__init__(f"{what} {todo}")
        self.what = what
        self.command = command


class GatewayUnreachableError(Exception):
    """A gateway did not answer, and nothing was sent that could be decided."""

    def __init__(self, what: str, command: str | None) -> None:
        """`command`: the id of the one that was not sent; None for a read."""
        super().__init__(f"{what} Nothing was sent. Is --server right, and the gateway up?")
        self.what = what
        self.command = command


class GatewayRefusalError(Exception):
    """A refusal of the gateway's own, of which the ledger has no record."""

    def __init__(
        self, code: str, detail: str, todo: str, *, is_permanent: bool, retry_after_s: int | None = None
    ) -> None:
        """`is_permanent`: whether the same would be refused again later. `retry_after_s`: when to try it."""
        super().__init__(f"{code}: {detail} {todo}")
        self.code = code
        self.detail = detail
        self.todo = todo
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s


class GatewayAnswerError(Exception):
    """The answer is not from Assent, or not about this log; the message states what to check."""

    def __init__(self, message: str, *, is_of_assent: bool) -> None:
        """`is_of_assent`: whether a gateway of Assent answered at all."""
        super().__init__(message)
        self.is_of_assent = is_of_assent
