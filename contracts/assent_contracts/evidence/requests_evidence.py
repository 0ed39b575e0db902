"""The open requests of one partition: whether signed commands have led to their releases.

A record is judged only when it matters, which for most requests is never. A request that ends before it is
asked for only takes memory for a while. Signatures cost most and are checked last.
"""

from typing import Final

import msgspec

from assent_contracts.access_policies import BUILT_IN_TYPES
from assent_contracts.commands import SubmitChange, command_type
from assent_contracts.core.command_memory import CommandMemory
from assent_contracts.core.log_time import corrected, not_log_time
from assent_contracts.core.sender import TAKES_NO_ID
from assent_contracts.events import (
    ChangeReleased,
    ChangeSubmitted,
    Event,
    OfNoRequest,
    RequestEnd,
    RequestEvent,
)
from assent_contracts.evidence.governance_evidence import GovernanceEvidence
from assent_contracts.evidence.open_request_evidence import Judged, OpenRequestEvidence, waiting_record_size
from assent_contracts.evidence.release_references import LedgerRelease
from assent_contracts.evidence.repeated_decision import CAME_BEFORE, judged_again
from assent_contracts.ledger import (
    LedgerRecord,
    RecordedCommand,
    decode_recorded_command,
    decode_refusal,
)
from assent_contracts.resources import parse_request_id, request_id, resource_type

WAITING_MAX_BYTES: Final = 32 * 1024 * 1024
"""The size of the records that wait to be judged. Beyond it the oldest are judged immediately."""


class _Said(msgspec.Struct, gc=False):
    type: str
    id: str
    principal: str
    at: int
    request: str = ""


_decode_said = msgspec.json.Decoder(_Said).decode
_SUBMITS = command_type(SubmitChange)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class RequestsEvidence:
    """The open requests of one partition and what they lack. Its one owner advances it with `take`."""

    def __init__(
        self, partition: int, governance: GovernanceEvidence, *, waiting_max_bytes: int = WAITING_MAX_BYTES
    ) -> None:
        """`governance` must always be as far as the records that are passed to `take` name it."""
        self._partition = partition
        self._governance = governance
        self._stories: dict[int, OpenRequestEvidence] = {}
        self._memory = CommandMemory()
        self._at = 0
        """The log time of the previous record after corrections, ms."""
        self._named = -1
        """The governance seq that the previous record names."""
        self._waiting: dict[int, None] = {}
        """The seqs of the stories with waiting records, the oldest first."""
        self._waiting_bytes = 0
        self._waiting_max_bytes = waiting_max_bytes

    def take(self, record: LedgerRecord, events: tuple[Event, ...]) -> None:
        """Consume the next accepted record, and its events."""
        named = record.governance if isinstance(record.governance, int) else -1
        self._correct_time(named)
        if not events:
            self._refused(record)
        for event in events:
            if isinstance(event, ChangeSubmitted):
                self._open(record, event)
            elif isinstance(event, RequestEnd):
                self._end(self._seq_of(event.request))
            elif not isinstance(event, OfNoRequest):
                # An event that ends a request applies nothing. All others lead to a release, or to another
                # one after a claim, and must result from signed commands or from log time.
                self._lead_on(record, event)
        if record.at > self._at:
            self._at = record.at
            self._memory.forget(record.at)
        self._named = named
        while self._waiting_bytes > self._waiting_max_bytes:
            self._judge(next(iter(self._waiting)))

    def _correct_time(self, named: int) -> None:
        corrections = self._governance.time_corrections
        at = corrected(self._at, corrections, after=self._named, up_to=named)
        if at < self._at:
            self._memory.set_back(at)
        self._at = at

    def lacking(self, seq: int, *, confirmed: bool = True) -> str | None:
        """Why the release of the request that was submitted at `seq` must not be acted on; None if it may be.

        `confirmed`: check too whether all partitions confirm governance. They must have been read then.
        """
        self._judge(seq)
        story = self._stories.get(seq)
        if story is None:
            return "it was never submitted"
        judged = story.judged
        if story.lacks is not None or judged is None or judged.released is None:
            return story.lacks or "it was never released"
        lacks = self._governance.lacking(judged.released, confirmed=confirmed)
        lacks = lacks or self._unsigned(story, judged)
        if lacks is None and confirmed and story.part_of is not None:
            return self._outside_its_set(seq, story.part_of, judged)
        return lacks

    def _outside_its_set(self, seq: int, part_of: str, judged: Judged) -> str | None:
        """R29: why the set of a member does not allow its release; None if it does."""
        [member] = judged.hashes
        allowed = self._governance.sets.lacking(part_of, member, request_id(self._partition, seq))
        return allowed if isinstance(allowed, str) else self._governance.lacking(allowed)

    def _open(self, record: LedgerRecord, event: ChangeSubmitted) -> None:
        self._end(record.seq)
        self._stories[record.seq] = OpenRequestEvidence(
            self._is_new(record),
            [],
            is_set=event.members is not msgspec.UNSET,
            part_of=None if event.part_of is msgspec.UNSET else event.part_of,
        )
        self._wait(record.seq, record)

    def _lead_on(self, record: LedgerRecord, event: RequestEvent) -> None:
        seq = self._seq_of(event.request)
        self._wait(seq, record)
        if not isinstance(event, ChangeReleased):
            return
        story = self._stories.get(seq)
        # Releases of governance changes must confirm governance, those of sets their members', and of members
        # the first one counts. They are few, so they are judged immediately.
        if resource_type(event.resource) in BUILT_IN_TYPES:
            self._confirm(record, event, seq)
        elif story is not None and story.is_set:
            self._confirm_set(event.request, story, seq)
        elif story is not None and story.part_of is not None:
            self._use_member(event.request, story.part_of, story, seq)

    def _wait(self, seq: int, record: LedgerRecord) -> None:
        story = self._stories.get(seq)
        if story is None or story.lacks is not None or (story.waiting and story.waiting[-1] is record):
            return
        wrong = not_log_time(record, self._at)
        if wrong is not None:
            self._take_off(seq, story)
            story.lacks = f"seq {record.seq}: {wrong}"
            return
        story.waiting.append(record)
        self._waiting[seq] = None
        self._waiting_bytes += waiting_record_size(record)

    def _refused(self, record: LedgerRecord) -> None:
        """Note that a refused command that used up its id may not be decided again."""
        said = _said(record)
        if said is None:
            return
        refusal = decode_refusal(record)
        if refusal is None or refusal.code in TAKES_NO_ID:
            return
        if said.type == _SUBMITS:
            self._is_new(record)
        else:
            self._wait(self._seq_of(said.request), record)

    def _is_new(self, record: LedgerRecord) -> bool:
        said = _said(record)
        memory = self._memory
        if (
            said is None
            or memory.recall(said.principal, said.id) is not None
            or memory.has_forgotten(said.at)
        ):
            return False
        memory.remember(
            said.principal, said.id, dated=said.at, seq=record.seq, at=record.at, value_sha256=b""
        )
        return True

    def _end(self, seq: int) -> None:
        story = self._stories.pop(seq, None)
        if story is not None:
            self._take_off(seq, story)
            if story.part_of is not None and story.judged is not None:
                for member in story.judged.hashes:
                    request = request_id(self._partition, seq)
                    self._governance.sets.member_ended(story.part_of, member, request)

    def _take_off(self, seq: int, story: OpenRequestEvidence) -> list[LedgerRecord]:
        waiting, story.waiting = story.waiting, []
        self._waiting.pop(seq, None)
        self._waiting_bytes -= sum(map(waiting_record_size, waiting))
        return waiting

    def _judge(self, seq: int) -> None:
        """Judge the records that wait for this request."""
        story = self._stories.get(seq)
        if story is None:
            return
        for record in self._take_off(seq, story):
            if story.lacks is None:
                self._judge_record(story, record)

    def _judge_record(self, story: OpenRequestEvidence, record: LedgerRecord) -> None:
        seq = record.governance if isinstance(record.governance, int) else -1
        # Whether the request ledger confirms governance is checked later: it may not have been read yet.
        lacks = self._governance.lacking(seq, confirmed=False)
        if lacks is None and not story.is_new:
            lacks = CAME_BEFORE
        if lacks is None:
            try:
                judged = judged_again(story.judged, record, self._partition, self._governance.past.at(seq))
            except _UNREADABLE:
                judged = "it holds no command that can be read"
            if isinstance(judged, Judged):
                story.judged = judged
                return
            lacks = judged
        story.lacks = f"seq {record.seq}: {lacks}"

    def _unsigned(self, story: OpenRequestEvidence, judged: Judged) -> str | None:
        if judged.is_checked:
            return None
        is_good = self._governance.signatures.is_good
        if not is_good(judged.submission):
            story.lacks = "the signature of its submission is not good"
            return story.lacks
        for (kind, principal), command in judged.decisions.items():
            if not is_good(command):
                story.lacks = f"the signature of {principal}'s {kind} is not good"
                return story.lacks
        judged.is_checked = True
        return None

    def _confirm(self, record: LedgerRecord, event: ChangeReleased, seq: int) -> None:
        self._judge(seq)
        story = self._stories.get(seq)
        judged = None if story is None else story.judged
        if story is None or judged is None or judged.released is None or self._unsigned(story, judged):
            return
        self._governance.confirmations.released(
            event.request,
            LedgerRelease(
                seq=record.seq,
                digest=event.digest,
                governance=judged.released,
                as_of=judged.as_of,
                submission_sha256=judged.submission.value_sha256,
            ),
        )

    def _confirm_set(self, request: str, story: OpenRequestEvidence, seq: int) -> None:
        self._judge(seq)
        judged = story.judged
        if judged is None or judged.released is None or story.lacks or self._unsigned(story, judged):
            return
        self._governance.sets.released(request, judged.released, judged.hashes)

    def _use_member(self, request: str, part_of: str, story: OpenRequestEvidence, seq: int) -> None:
        self._judge(seq)
        judged = story.judged
        if judged is None or judged.released is None or story.lacks:
            return
        # Signatures are not checked yet: only a stolen writer's key can use a member up without them.
        for member in judged.hashes:
            self._governance.sets.member_released(part_of, member, request)

    def _seq_of(self, request: str) -> int:
        """The seq of a request in this partition; -1 for any other."""
        place = parse_request_id(request)
        return place[1] if place is not None and place[0] == self._partition else -1


def _said(record: LedgerRecord) -> _Said | None:
    try:
        recorded = decode_recorded_command(record)
        return _decode_said(recorded.value) if isinstance(recorded, RecordedCommand) else None
    except _UNREADABLE:
        return None
