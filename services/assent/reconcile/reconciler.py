"""One reconciler: it reads the ledger and the target, and reports what differs, once (R28)."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from aiokafka.errors import KafkaError
from msgspec import UNSET

from assent.reconcile.applied_requests import AppliedRequests
from assent.reconcile.configuration import Configuration
from assent.reconcile.known_findings import Finding, KnownFindings
from assent.reconcile.readers.reader import UnreadableTargetError
from assent.reconcile.target_reader import open_reader
from assent_contracts.acceptance import Accepted
from assent_contracts.client.connection import Connection
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey
from assent_contracts.client.publisher import NotDecidedError, Publisher, new_command_id, now_ms
from assent_contracts.commands import ReportFinding
from assent_contracts.ledger import IncoherentRecordError, decode_events
from assent_contracts.refusals import Refusal, RefusalCode
from assent_contracts.resources import resource_type

SOURCE: Final = "assent-reconcile"
_KNOWN_ELSEWHERE: Final = frozenset({RefusalCode.KNOWN_FINDING, RefusalCode.OUTDATED})
"""Another reconciler has reported something of this object: the next run compares with that."""


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that this run has recorded."""

    id: str
    kind: str
    resource: str
    version: str | None
    request: str | None
    by: str | None
    detail: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run has found."""

    target: str
    reported: tuple[Reported, ...]
    """In the order in which they were recorded."""
    left: int
    """Findings that the next run reports: there were too many, or another reconciler was at work."""


class ReportRefusedError(Exception):
    """A report was refused, so the findings cannot be recorded. The message explains why."""


class Reconciler:
    """Compares one target with the ledger. Not for several tasks at once."""

    def __init__(
        self,
        connection: Connection,
        governance: GovernanceFollower,
        key: SecretKey,
        state: Path,
        configuration: Configuration,
    ) -> None:
        """`governance` has been started. Raises SettingsError."""
        self._configuration = configuration
        self._governance = governance
        self._key = key
        common = configuration.common
        self._applied = AppliedRequests(configuration.file_types, common.types)
        self._known = KnownFindings(common.name)
        self._reader = open_reader(configuration, state / governance.identity[:16] / common.name)
        self._publisher = Publisher(connection, governance, source=SOURCE, on_accepted=self._hear)

    @property
    def target(self) -> str:
        """The name of the target."""
        return self._configuration.common.name

    async def start(self) -> None:
        """Connect. Raises KafkaError."""
        await self._publisher.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._publisher.stop()
        await self._reader.close()

    async def run(self) -> Run:
        """Compare the target with the ledger once.

        Nothing needs to be kept between two runs: what the ledger has is not reported again. Raises
        FAILURES, and IncoherentRecordError if the ledger cannot be read.
        """
        await self._publisher.catch_up()
        self._applied.mark()
        await self._reader.read(self._applied)
        # What was applied while the target was read is known after this, and is left for the next run.
        await self._publisher.catch_up()
        found = await self._reader.findings(self._applied, self._known, self._is_looked_at)
        reported: list[Reported] = []
        most = self._configuration.common.findings_max
        for finding in found[:most]:
            recorded = await self._report(finding)
            if recorded is not None:
                reported.append(recorded)
        left = len(found) - len(reported)
        if not left:
            await self._reader.keep_position()
        return Run(target=self._configuration.common.name, reported=tuple(reported), left=left)

    def _hear(self, _partition: int, accepted: Accepted) -> None:
        try:
            events = decode_events(accepted.record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            # Only a stolen writer's key can seal it. Nothing is compared with a ledger that cannot be read.
            msg = f"The events of seq {accepted.record.seq} of the ledger cannot be read."
            raise IncoherentRecordError(msg) from error
        self._applied.take(accepted.record, events)
        self._known.take(events, of_git=self._configuration.of_git)

    def _is_looked_at(self, resource: str) -> bool:
        if not self._configuration.is_here(resource):
            return False
        kind, types = resource_type(resource), self._configuration.common.types
        if types is not None:
            return kind in types
        governance = self._governance.past.at(len(self._governance.history) - 1)
        return governance.has_role(self._key.principal, "reconciler", kind)

    async def _report(self, finding: Finding) -> Reported | None:
        """The recorded finding; None if another reconciler was first."""
        before = self._known.newest(finding.resource)
        command = ReportFinding(
            id=new_command_id(),
            principal=self._key.principal,
            at=now_ms(),
            resource=finding.resource,
            target=self._configuration.common.name,
            kind=finding.kind,
            seen_at=now_ms(),
            version=UNSET if finding.version is None else finding.version,
            request=UNSET if finding.request is None else finding.request,
            previous=UNSET if before is None else before.finding,
            by=UNSET if finding.by is None else finding.by,
            detail=finding.detail,
        )
        decided = await self._publisher.send(command, self._key)
        if isinstance(decided.refusal, Refusal):
            if decided.refusal.code in _KNOWN_ELSEWHERE:
                return None
            msg = f"The finding about {finding.resource} was refused ({decided.refusal.code}): "
            raise ReportRefusedError(msg + decided.refusal.detail)
        return Reported(
            id=f"{decided.partition}-{decided.seq}",
            kind=finding.kind,
            resource=finding.resource,
            version=finding.version,
            request=finding.request,
            by=finding.by,
            detail=finding.detail,
        )


FAILURES: Final[tuple[type[Exception], ...]] = (
    UnreadableTargetError,
    ReportRefusedError,
    KafkaError,
    NotDecidedError,
    OSError,
    TimeoutError,
)
"""Why a run may end without a comparison. The next one starts from the ledger and the target again."""

OnRun = Callable[[Run], None]
