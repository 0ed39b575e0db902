"""The short way in for an upstream, with `await`: submit a change and learn what becomes of it."""

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from assent_contracts.client.assent_connection import ANSWER_WITHIN_S, AssentConnection, RefusedError
from assent_contracts.client.connection import Connection
from assent_contracts.client.environment import optional_path, read_connection, read_identity
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import SecretKey, load_key
from assent_contracts.client.publisher import Decided, new_command_id, now_ms
from assent_contracts.client.request_updates import RequestUpdate
from assent_contracts.client.request_watches import Watch
from assent_contracts.codec import encode
from assent_contracts.commands import Cancel, Command, Complete, SubmitChange
from assent_contracts.events import ChangeSubmitted
from assent_contracts.refusals import RefusalCode
from assent_contracts.resources import parse_request_id

Payload = msgspec.Raw | dict[str, Any] | list[Any] | str | int | float | bool | None
"""A JSON value. `msgspec.Raw` is JSON text that is kept byte for byte."""
_NOT_YET: Final = (
    RefusalCode.NOT_APPROVED,
    RefusalCode.NOT_PENDING,
    RefusalCode.OUTDATED,
    RefusalCode.ALREADY_DECIDED,
)
"""Refusals of a completion after which the ledger has more to say of the request. It may have been released
before, as its history is read from the start.
"""
_decode_submission = msgspec.json.Decoder(SubmitChange).decode


@asynccontextmanager
async def connect_async(
    environ: Mapping[str, str] = os.environ, *, key_file: Path | None = None, source: str | None = None
) -> AsyncIterator["AsyncUpstream"]:
    """Connect to the log that the environment names.

    `ASSENT_KAFKA` and `ASSENT_IDENTITY` are what `assent env` prints, and the other variables of Kafka are
    those of the services. `ASSENT_KEY_FILE`, or `key_file`, is your key; without one you can only follow
    requests. `source` is written on each command, as the CloudEvents source. Raises SettingsError,
    KeyFileError, NotFoundedError, KafkaError.
    """
    path = key_file or optional_path(environ, "ASSENT_KEY_FILE")
    key = None if path is None else load_key(path)
    async with opened(read_connection(environ), read_identity(environ), key, source=source) as upstream:
        yield upstream


@asynccontextmanager
async def opened(
    connection: Connection, identity: str, key: SecretKey | None, *, source: str | None = None
) -> AsyncIterator["AsyncUpstream"]:
    """The same, for a caller who has the parts. Raises NotFoundedError, KafkaError."""
    async with AsyncExitStack() as parts:
        governance = GovernanceFollower(connection, identity)
        parts.push_async_callback(governance.stop)
        await governance.start()
        log = AssentConnection(connection, governance, key, source)
        parts.push_async_callback(log.stop)
        await log.start()
        yield AsyncUpstream(log)


class UpstreamLog(Protocol):
    """What an upstream needs of a log: UpstreamLog, or one in memory for tests."""

    @property
    def key(self) -> SecretKey:
        """The key that signs."""
        ...

    async def decide(self, command: Command, *, timeout_s: float = ...) -> Decided:
        """Send a command and return its first decision."""
        ...

    async def decision_at(self, partition: int, seq: int) -> Decided:
        """The decision in a record."""
        ...

    async def command_at(self, partition: int, seq: int) -> bytes | None:
        """The bytes of the command that a record decided."""
        ...

    def watch(self, resource: str) -> Watch:
        """A watch of everything that is accepted from now on in an object's partition."""
        ...

    def updates(self, request: str, watch: Watch | None = None) -> AsyncGenerator[tuple[RequestUpdate, ...]]:
        """What happened to a request and happens to it, record by record."""
        ...


class AsyncUpstream:
    """Submits changes as one account. Many tasks may use one."""

    def __init__(self, log: UpstreamLog) -> None:
        """`log` has been started."""
        self.log: Final = log

    async def submit(
        self,
        resource: str,
        operation: str,
        payload: Payload,
        *,
        justification: str,
        id: str | None = None,  # noqa: A002  the field's name
        at: int | None = None,
        timeout_s: float = ANSWER_WITHIN_S,
        **fields: Any,
    ) -> "AsyncSubmitted":
        """Ask for a change to one object. Returns once the ledger has the request.

        `id`: derive it from what you want to submit, such as a build number. If the same submission was sent
        under it in the last 24 hours, by a process that crashed since, this is that request and not a second
        one. By default each call is a new submission. `at`: ms since 1970, by default now. `fields`: further
        fields of SubmitChange, such as `on_behalf_of`.

        Raises RefusedError, and NotDecidedError after `timeout_s`: the same call with the same `id` then asks
        again.
        """
        command = SubmitChange(
            id=id or new_command_id(),
            principal=self.log.key.principal,
            at=now_ms() if at is None else at,
            resource=resource,
            operation=operation,
            justification=justification,
            payload=raw_payload(payload),
            **fields,
        )
        return await self.submit_command(command, timeout_s=timeout_s)

    async def submit_command(
        self, command: SubmitChange, *, timeout_s: float = ANSWER_WITHIN_S
    ) -> "AsyncSubmitted":
        """The same for a command that you made yourself."""
        watch = self.log.watch(command.resource)
        decided = await self.log.decide(command, timeout_s=timeout_s)
        refusal = decided.refusal
        if refusal is not None and refusal.code is RefusalCode.ID_REUSED and refusal.decided is not None:
            # The id was used at another time, so the bytes differ. Was it for the same change?
            first = await self.log.command_at(decided.partition, refusal.decided)
            if first is not None and _is_same(first, command):
                decided = await self.log.decision_at(decided.partition, refusal.decided)
        return _submitted(self.log, command, decided, watch)

    async def request(self, request: str) -> "AsyncSubmitted":
        """A request of this log by its id, whoever submitted it. Raises LookupError, KafkaError."""
        place = parse_request_id(request)
        bytes_ = None if place is None else await self.log.command_at(*place)
        if place is None or bytes_ is None:
            msg = f"The log has no request {request}."
            raise LookupError(msg)
        decided = await self.log.decision_at(*place)
        if not decided.events or not isinstance(decided.events[0], ChangeSubmitted):
            msg = f"The log has no request {request}."
            raise LookupError(msg)
        return _submitted(self.log, _decode_submission(bytes_), decided, None)

    async def send(self, command: Command, *, timeout_s: float = ANSWER_WITHIN_S) -> Decided:
        """Send any command and return its first decision. Raises RefusedError, NotDecidedError."""
        decided = await self.log.decide(command, timeout_s=timeout_s)
        if decided.refusal is not None:
            raise RefusedError(decided.refusal, repeated=decided.repeated)
        return decided


class AsyncSubmitted:
    """A request that the ledger has."""

    def __init__(
        self, log: UpstreamLog, command: SubmitChange, event: ChangeSubmitted, watch: Watch | None
    ) -> None:
        self._log = log
        self._watch = watch
        self.command: Final = command
        """What was submitted. Its `at` is that of this call, even if an earlier one was first."""
        self.id: Final = event.request
        """The request's id, such as `2-0`."""
        self.resource: Final = event.resource
        self.submission: Final = event.submission
        """SHA-256 (hex) of the submission's bytes, which approvals name."""

    async def follow(self, *, complete: bool = False) -> AsyncGenerator[RequestUpdate]:
        """What happened to the request and happens to it, in order, until it has ended.

        `complete`: release it once it is approved, as `wait_applied` does. Then it raises RefusedError if it
        is approved and cannot be completed.
        """
        async with aclosing(self._log.updates(self.id, self._watch)) as records:
            async for updates in records:
                for update in updates:
                    yield update
                if complete:
                    await self._complete_if_due(updates[-1])

    async def wait_applied(self, *, complete: bool = True, timeout_s: float | None = None) -> RequestUpdate:
        """Wait until the request has ended, which may take days. Returns its last update: look at `applied`.

        `complete`: once it is approved, release it to the applier (R12), which is the requester's to do. An
        outcome that is unknown is waited for until people have settled it. Raises TimeoutError after
        `timeout_s`, and RefusedError if it is approved and cannot be completed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ended(complete=complete)
        except TimeoutError:
            if timeout_s is None:
                raise
            msg = f"Request {self.id} has not ended within {timeout_s:g} s. It goes on: wait for it again."
            raise TimeoutError(msg) from None

    async def _ended(self, *, complete: bool) -> RequestUpdate:
        async with aclosing(self._log.updates(self.id, self._watch)) as records:
            async for updates in records:
                last = updates[-1]
                if last.ended:
                    return last
                if complete:
                    await self._complete_if_due(last)
        msg = "The updates of a request end with its end."
        raise AssertionError(msg)

    async def _complete_if_due(self, last: RequestUpdate) -> None:
        if last.status != "approved" or last.progress is not None:
            return
        try:
            await self.complete()
        except RefusedError as refused:
            if refused.code not in _NOT_YET:
                raise

    async def complete(self) -> Decided:
        """Release the approved change to the applier (R12). Raises RefusedError, NotDecidedError."""
        return await AsyncUpstream(self._log).send(
            Complete(**self._fields(), request=self.id, submission=self.submission)
        )

    async def cancel(self) -> Decided:
        """Withdraw the request before it is approved (R11). Raises RefusedError, NotDecidedError."""
        return await AsyncUpstream(self._log).send(Cancel(**self._fields(), request=self.id))

    async def resubmit(self, *, timeout_s: float = ANSWER_WITHIN_S) -> "AsyncSubmitted":
        """Submit the same change again, after this request has expired, failed or was rejected (R14).

        However often it is called, it makes one new request. Raises as `submit` does.
        """
        for number in itertools.count(1):
            again = msgspec.structs.replace(
                self.command,
                id=f"again-{self.id}-{self.submission[:32]}-{number}",
                principal=self._log.key.principal,
                at=now_ms(),
            )
            try:
                return await AsyncUpstream(self._log).submit_command(again, timeout_s=timeout_s)
            except RefusedError as refused:
                if not refused.repeated:
                    raise
                # An earlier attempt was refused, perhaps because this request was still open.
        raise AssertionError

    def _fields(self) -> dict[str, Any]:
        return {
            "id": new_command_id(),
            "principal": self._log.key.principal,
            "at": now_ms(),
            "resource": self.resource,
        }


def _submitted(
    log: UpstreamLog, command: SubmitChange, decided: Decided, watch: Watch | None
) -> AsyncSubmitted:
    if decided.refusal is not None:
        raise RefusedError(decided.refusal, repeated=decided.repeated)
    event = decided.events[0]
    assert isinstance(event, ChangeSubmitted), "the decision on a submission"
    if watch is not None:
        watch.name(event.request)
        watch.caught_up()
        if not watch.updates:
            watch = None  # it was submitted before this connection
    return AsyncSubmitted(log, command, event, watch)


def raw_payload(payload: Payload) -> msgspec.Raw:
    """The payload's bytes. Raises TypeError for bytes, which may be meant as JSON text or as a file."""
    if isinstance(payload, msgspec.Raw):
        return payload
    if isinstance(payload, bytes | bytearray | memoryview):
        msg = (
            "A payload is a JSON value: use msgspec.Raw(...) for JSON text, payload_of_file(...) for a file."
        )
        raise TypeError(msg)
    return msgspec.Raw(encode(payload))


def _is_same(first: bytes, command: SubmitChange) -> bool:
    """Whether a command's bytes are the same submission, made at another time."""
    try:
        sent = _decode_submission(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return encode(msgspec.structs.replace(sent, at=command.at)) == encode(command)
