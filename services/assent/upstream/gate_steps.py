"""Carries out what a gate does next with a request: the rules are in gate_rules."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from assent.store.pool import PostgresConnection
from assent.upstream import events, gate_messages
from assent.upstream.commands import Purpose, add_command, is_under_way
from assent.upstream.gate_rows import GateRequest, Waiter, detach, move, settle, waiters_of
from assent.upstream.gate_rules import Progress, step_for
from assent.upstream.source_settings import Gate
from assent_contracts.client.publisher import new_command_id, now_ms
from assent_contracts.commands import Claim, Complete, Outcome, ReportOutcome


class Gates:
    """The gates of a process, by name, with the accounts that they act as."""

    def __init__(
        self,
        gates: Mapping[str, Gate],
        accounts: Mapping[str, str],
        appliers: Mapping[str, str],
        console: str | None,
        partitions: int,
    ) -> None:
        """By gate, the accounts that submit and complete, and those that claim and report.

        `partitions`: of the log.
        """
        self.of: Final = gates
        self.console: Final = console
        self._accounts: Final = accounts
        self._appliers: Final = appliers
        self._partitions: Final = partitions

    def applier(self, source: str) -> str:
        """The account with which a gate claims."""
        return self._appliers[source]

    async def go_on(self, connection: PostgresConnection, request: GateRequest) -> None:
        """Take the next step with a locked request, if a caller waits for it."""
        gate = self.of.get(request.source)
        if gate is None:
            return
        waiting = await waiters_of(connection, request.request)
        if not waiting:
            return
        match step_for(request.state, gate.approvals, report=gate.report):
            case "wait":
                return
            case "complete":
                await self._command(connection, request, "complete")
            case "claim":
                await self._command(connection, request, "claim")
            case "pass":
                await self._pass(connection, request, gate, waiting)
            case "ask-again":
                await _ask_again(connection, waiting)
            case "fail":
                message = gate_messages.ended(self.console, request.request, request.why)
                await _settle_all(connection, waiting, "failed", message)

    async def claimed(self, connection: PostgresConnection, request: GateRequest) -> None:
        """The request was claimed for a caller: it may pass, and everybody if approvals are reused."""
        gate = self.of.get(request.source)
        if gate is None:
            return
        waiting = await waiters_of(connection, request.request)
        message = gate_messages.passed(self.console, request.request)
        served = waiting if gate.approvals == "reused" else _newest(waiting)
        passed = [await settle(connection, each.id, "passed", message) for each in served]
        if not any(passed):
            await self.report(connection, request, "failed", "No caller waited any more.")

    async def report(
        self, connection: PostgresConnection, request: GateRequest, outcome: Outcome, message: str = ""
    ) -> None:
        """Report how it ended for the caller, if the request was claimed."""
        if request.state == "claimed":
            await self._command(connection, request, "report", outcome=outcome, message=message)

    async def _pass(
        self, connection: PostgresConnection, request: GateRequest, gate: Gate, waiting: list[Waiter]
    ) -> None:
        message = gate_messages.passed(self.console, request.request)
        if gate.approvals == "reused":
            await _settle_all(connection, waiting, "passed", message)
            return
        served = _newest(waiting)
        await _settle_all(connection, served, "passed", message)
        # Without a claim only this table knows that the approval has opened the gate.
        await move(connection, request.request, Progress("used"), now_ms())
        await _ask_again(connection, [each for each in waiting if each not in served])

    async def _command(
        self,
        connection: PostgresConnection,
        request: GateRequest,
        purpose: Purpose,
        *,
        outcome: Outcome = "succeeded",
        message: str = "",
    ) -> None:
        if await is_under_way(connection, request.request, purpose):
            return
        fields = {
            "id": new_command_id(),
            "principal": (self._accounts if purpose == "complete" else self._appliers)[request.source],
            "at": now_ms(),
            "resource": request.resource,
            "request": request.request,
        }
        match purpose:
            case "complete":
                command = Complete(**fields, submission=request.submission)
            case "claim":
                command = Claim(**fields)
            case _:
                # Of an older claim the report is refused: people may have released the change again since.
                claim = UNSET if request.claim is None else request.claim
                command = ReportOutcome(**fields, outcome=outcome, message=message, claim=claim)
        await add_command(
            connection,
            command,
            purpose,
            source=request.source,
            partitions=self._partitions,
            request=request.request,
        )


def _newest(waiting: Sequence[Waiter]) -> list[Waiter]:
    """Those of the newest run: jobs of one run that wait for the same are answered in one place."""
    return [each for each in waiting if each.callback == waiting[0].callback]


async def _settle_all(
    connection: PostgresConnection,
    waiting: Sequence[Waiter],
    state: Literal["passed", "failed"],
    message: str,
) -> None:
    for each in waiting:
        await settle(connection, each.id, state, message)


async def _ask_again(connection: PostgresConnection, waiting: Sequence[Waiter]) -> None:
    for each in waiting:
        await detach(connection, each.id)
        await connection.execute(events.SQL["ask_again"], each.event)


def progressed(request: GateRequest, to: Progress, claim: int | None = None) -> GateRequest:
    """The request after progress, which may be a claim."""
    claim = request.claim if claim is None else claim
    return msgspec.structs.replace(request, state=to.state, why=to.why, claim=claim)
