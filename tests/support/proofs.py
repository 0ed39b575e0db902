"""What a gateway can offer as a request's submission: what its log has, and anything else that it seals."""

from typing import Any

from assent.reading.proven_submission import Evidence, ProvenSubmission, proven_submission
from assent_contracts import seal
from assent_contracts.acceptance import Accepted
from assent_contracts.client.keys import SecretKey, seal_headers, verify_signature
from assent_contracts.proof import GovernanceProof, LedgerEntry, NotProven
from assent_contracts.topics import LedgerName
from tests.support.chains import PARTITION, WRITER, Chains

STRANGER = SecretKey("writer-1", "decider", bytes([7]) * 32)
"""It has the name of the writer with another key."""


class Offered:
    """A log with one request, `first`, and the evidence of it, honest by default."""

    def __init__(self) -> None:
        self.chains = Chains()
        self.first = self.chains.submitted().request
        # A refusal in between, so that runs of several records exist.
        self.chains.send(self.chains.submission())
        self.identity = self.chains.identity

    def seal(
        self,
        last: Accepted,
        *,
        key: SecretKey = WRITER,
        ledger: LedgerName = "ledger",
        partition: int = PARTITION,
        seq: int | None = None,
        identity: str | None = None,
    ) -> dict[str, str]:
        headers = dict(
            seal_headers(
                key,
                identity or self.identity,
                ledger,
                partition,
                last.record.seq if seq is None else seq,
                bytes.fromhex(last.value_sha256),
            )
        )
        return {"writer": headers[seal.WRITER_HEADER].decode(), "seal": headers[seal.SEAL_HEADER].decode()}

    def evidence(self, begin: int = 0, end: int = 2, **sealing: Any) -> Evidence:
        run = self.chains.requests.records[begin:end]
        values = tuple(each.value for each in run)
        return Evidence(value=values[0], following=values[1:], **self.seal(run[-1], **sealing))

    def entries(self) -> list[LedgerEntry]:
        """The governance ledger, each record sealed."""
        return [
            LedgerEntry(
                offset=each.offset,
                value=each.value,
                **self.seal(each, ledger="governance", partition=0),
            )
            for each in self.chains.governance.records
        ]

    def governance(self, identity: str | None = None, *, up_to: int | None = None) -> GovernanceProof:
        """The same, verified under an identity."""
        proof = GovernanceProof(identity or self.identity, verify_signature)
        for entry in self.entries()[:up_to]:
            proof.take(entry)
        return proof

    def answered(
        self, evidence: Evidence, request: str | None = None, governance: GovernanceProof | None = None
    ) -> ProvenSubmission | NotProven:
        return proven_submission(
            evidence, request or self.first, governance or self.governance(), verify_signature
        )
