"""Verify an exported file anywhere: without a broker or a database, given only the log's identity."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from assent.verify.expected_heads import Expected, ExpectError, check_signed, expected_known_heads
from assent.verify.export_file import ExportLine, Manifest, Progress
from assent.verify.finding import FindingError
from assent.verify.governance_verifier import GovernanceVerifier
from assent.verify.heads_elsewhere import HeadsElsewhere, ledger_places
from assent.verify.record_comparison import unjudged
from assent.verify.report import Verified, verified_report
from assent.verify.requests_verifier import RequestsVerifier
from assent_contracts import limits, seal
from assent_contracts.acceptance import Acceptance, Accepted, Head, Headers
from assent_contracts.client.keys import verify_signature
from assent_contracts.digests import from_base64url, sha256_hex
from assent_contracts.evidence.command_signatures import VerifySignature
from assent_contracts.ledger import LedgerRecord, decode_governance_events, decode_record
from assent_contracts.topics import LedgerName
from assent_contracts.writer_registry import WriterRegistry

_LINE_MAX_BYTES = 8 * limits.RECORD_MAX_BYTES
_decode_line = msgspec.json.Decoder(ExportLine).decode


def verify_file(
    path: Path,
    identity: str,
    progress: Progress,
    verify: VerifySignature = verify_signature,
    *,
    expected: Expected | None = None,
) -> Verified:
    """Verify every record of a file. Raises FindingError at the first bad one, ExpectError, OSError.

    In a file every record must be accepted: any other was altered, added or left out. All partitions that the
    log was founded with must be in it, and so must `expected`: where its partitions ended at some earlier
    time.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        proof = _Proof(identity, verify, expected)
        try:
            for ledger, partition, records in _manifest(file.readline(_LINE_MAX_BYTES)).parts:
                proof.begin(ledger, partition)
                for seq in range(records):
                    proof.take(file.readline(_LINE_MAX_BYTES), seq)
                    progress(min(file.tell(), size), size)
                proof.end()
            proof.confirm(goes_on=bool(file.read(1)))
        except (FindingError, ExpectError, OSError):
            raise
        except Exception as error:
            raise FindingError(*proof.place, proof.next_seq, unjudged(error)) from error
    return proof.verified()


def _manifest(line: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(line, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FindingError("governance", 0, 0, f"the file's manifest cannot be read: {error}") from error
    ledgers = [(ledger, partition) for ledger, partition, _ in manifest.parts]
    if ledgers != [("governance", 0), *(("ledger", number) for number in range(len(ledgers) - 1))]:
        raise FindingError("governance", 0, 0, "the file's manifest does not name both ledgers")
    return manifest


class _Proof:
    """Verifies both ledgers of a file, line by line: first governance, then each partition."""

    def __init__(self, identity: str, verify: VerifySignature, expected: Expected | None) -> None:
        self._identity = identity
        self._verify = verify
        self._expected = expected
        self._known = HeadsElsewhere(() if expected is None else expected_known_heads(expected))
        self._governance = GovernanceVerifier(identity, verify)
        self._requests: dict[int, RequestsVerifier] = {}
        self.place: tuple[LedgerName, int] = ("governance", 0)
        self._chain = _FileChain(self._acceptance(), self._vouches)

    @property
    def next_seq(self) -> int:
        """The seq that the next line must have."""
        return self._chain.next_seq

    def _acceptance(self) -> Acceptance:
        return Acceptance(
            *self.place, identity=self._identity, writers=self._governance.writers, verify=self._verify
        )

    def begin(self, ledger: LedgerName, partition: int) -> None:
        """Begin with the lines of this partition."""
        self.place = (ledger, partition)
        self._chain = _FileChain(self._acceptance(), self._vouches)
        if ledger == "ledger":
            governance = self._governance
            self._requests[partition] = RequestsVerifier(
                partition, self._identity, governance.history, self._verify, governance.claims
            )

    def take(self, line: bytes, seq: int) -> None:
        """Verify the next line, which must hold the record `seq`. Raises FindingError."""
        try:
            exported = _decode_line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise FindingError(*self.place, seq, f"its line cannot be read: {error}") from error
        if (exported.ledger, exported.partition) != self.place:
            what = f"its line is of {exported.ledger}, partition {exported.partition}"
            raise FindingError(*self.place, seq, what)
        run = self._chain.take(exported)
        if exported.ledger == "governance":
            self._governance.take(run)
        else:
            self._requests[exported.partition].take(run)
        self._known.take(*self.place, run)

    def end(self) -> None:
        """End the partition. Raises FindingError when something of it is missing, ExpectError."""
        self._chain.finish()
        if self.place[0] == "governance":
            if not self._governance.history:
                raise FindingError("governance", 0, 0, "the file has no governance ledger")
            if self._expected is not None:
                check_signed(self._expected, self._governance.writers, self._verify)
            inputs = self._governance.inputs
        else:
            inputs = self._requests[self.place[1]].inputs
        if inputs.gaps:
            raise FindingError(*self.place, inputs.gaps[0].seq, str(inputs.gaps[0]))
        self._known.hold(*self.place, last_seq=self._chain.next_seq - 1)

    def confirm(self, *, goes_on: bool) -> None:
        """End the file. Raises FindingError if a part is missing, or the ledgers contradict each other."""
        if goes_on:
            raise FindingError(*self.place, self.next_seq, "the file continues after its last record")
        founded, there = self._governance.partitions, len(self._requests)
        if there != founded:
            what = f"the log was founded with {founded} partitions of requests; the file has {there}"
            raise FindingError("ledger", min(there, founded), 0, what)
        self._known.must_be_in(ledger_places(there))
        self._governance.claims.confirm()

    def verified(self) -> Verified:
        """What was verified."""
        tallies = {"governance": self._governance.tally}
        tallies |= {str(number): self._requests[number].tally for number in sorted(self._requests)}
        return verified_report(tallies, self._known.sources(), from_file=True)

    def _vouches(self, line: ExportLine, first: bytes) -> bool:
        # Whether a writer's seal covers this value, wherever it is in the chain. Only used to find the
        # altered record.
        writers = self._governance.writers
        # A first record that the identity does not name may be anyone's, so its list of writers does not
        # count.
        if writers.head < 0 and sha256_hex(first) == self._identity and (founding := _read(first)):
            writers = WriterRegistry()
            writers.apply(0, decode_governance_events(founding))
        public_key = writers.public_keys().get(line.writer or "")
        record = _read(line.value.encode())
        if public_key is None or record is None or line.seal is None:
            return False
        era = self._chain.era_at(record.seq)
        message = seal.seal_message_of(
            self._identity, line.ledger, line.partition, record.seq, line.value.encode(), era
        )
        try:
            return self._verify(public_key, message, from_base64url(line.seal))
        except ValueError:
            return False


class _FileChain:
    """One ledger partition of a file: every record must follow, and every run must end in its seal."""

    def __init__(
        self,
        acceptance: Acceptance,
        vouches: Callable[[ExportLine, bytes], bool],
    ) -> None:
        """`vouches`: whether a line's own seal is valid, given the first value of its run."""
        self._acceptance = acceptance
        self._vouches = vouches
        self._run: list[bytes] = []
        """The values since the last valid seal."""

    def era_at(self, seq: int) -> str:
        """The era in which the record `seq` is sealed."""
        return self._acceptance.era_at(seq)

    @property
    def next_seq(self) -> int:
        """The seq that the next line must have."""
        return self._acceptance.head.seq + 1 + len(self._run)

    def take(self, line: ExportLine) -> Sequence[Accepted]:
        """The run that this line completes; empty until then. Raises FindingError."""
        value = line.value.encode()
        self._run.append(value)
        offset = self._acceptance.head.seq + len(self._run)
        run = self._acceptance.offer(offset, value, _headers(line))
        if run:
            if len(run) != len(self._run):
                raise self._finding("the chain breaks", line)
            self._run = []
        elif line.seal is not None:
            raise self._finding("its seal is not a writer's over this chain", line)
        return run

    def finish(self) -> None:
        """End the partition. Raises FindingError when its last records have no seal."""
        if self._run:
            raise self._finding("its run has no seal", None)

    def _finding(self, otherwise: str, sealed: ExportLine | None) -> FindingError:
        vouched_for = sealed is None or self._vouches(sealed, self._run[0])
        index, what = first_bad(self._run, self._acceptance.head, otherwise, last_vouched_for=vouched_for)
        acceptance = self._acceptance
        is_first = acceptance.ledger == "governance" and acceptance.head.seq == -1
        if is_first and sha256_hex(self._run[0]) != acceptance.identity:
            index, what = 0, "it is not the record that the identity names"
        seq = self._acceptance.head.seq + 1 + index
        return FindingError(self._acceptance.ledger, self._acceptance.partition, seq, what)


def _headers(line: ExportLine) -> Headers:
    if line.writer is None or line.seal is None:
        return ()
    return ((seal.WRITER_HEADER, line.writer.encode()), (seal.SEAL_HEADER, line.seal.encode()))


def first_bad(run: Sequence[bytes], head: Head, otherwise: str, *, last_vouched_for: bool) -> tuple[int, str]:
    """The first bad value of a run that should follow `head`, by its index, and why it is bad.

    Where a link breaks between two records, either may be the altered one. If the second record is confirmed,
    the first was altered. It is confirmed by the hash that its successor names, or, if it is the last, by its
    seal.
    """
    before = head.value_sha256
    for index, value in enumerate(run):
        record = _read(value)
        if record is None:
            return index, "it is not a ledger record"
        if record.seq != head.seq + 1 + index:
            return index, f"it has the seq {record.seq}"
        if record.prev != before:
            blame_before = index > 0 and _is_vouched_for(run, index, last_vouched_for=last_vouched_for)
            return (index - 1 if blame_before else index), "the chain breaks here: its bytes were altered"
        before = sha256_hex(value)
    return len(run) - 1, otherwise


def _is_vouched_for(run: Sequence[bytes], index: int, *, last_vouched_for: bool) -> bool:
    if index + 1 >= len(run):
        return last_vouched_for
    successor = _read(run[index + 1])
    return successor is not None and successor.prev == sha256_hex(run[index])


def _read(value: bytes) -> LedgerRecord | None:
    try:
        return decode_record(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
