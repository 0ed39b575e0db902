"""A change to governance that goes through as a request: submitted, approved, completed, carried out."""

import msgspec
from msgspec import Raw

from assent_contracts import commands as c
from assent_contracts.codec import encode
from assent_contracts.core.governance.decide import Release, carry_out
from assent_contracts.core.governance.state import Governance
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_changes import GovernanceChange, object_of
from assent_contracts.governance_messages import GovernanceEvent
from assent_contracts.refusals import Refusal
from tests.support.stories import Story, names


class Proposal:
    """One change as a request, in a story of its own on a governance that others may share."""

    def __init__(self, governance: Governance, change: GovernanceChange, story: Story | None = None) -> None:
        self.governance = governance
        self.change = change
        self.payload = encode(change)
        self.as_of = -1
        self.requester = ""
        self.story = story or Story(object_of(change), governance=governance)

    def given(self, *lines: str) -> "Proposal":
        """What happened before; it must not have been refused."""
        for line in lines:
            answer = self.when(line)
            assert answer[0].isupper(), f"{line}: {answer}"
        return self

    def when(self, line: str) -> str:
        """One line happens, as in a story, about this change. Returns the events' names or the code."""
        command = self.story.command(*line.split(" ", 1))
        if isinstance(command, c.SubmitChange):
            command = msgspec.structs.replace(command, payload=Raw(self.payload))
            self.as_of, self.requester = self.governance.seq, command.principal
        decision = self.story.send(command)
        return decision.code.value if isinstance(decision, Refusal) else names(decision)

    def carry_out(self) -> tuple[GovernanceEvent, ...]:
        """The governance writer finds the release and decides it as its ledger requires."""
        events = carry_out(
            self.governance,
            self.change,
            Release(
                request=self.story.request,
                released=len(self.story.records) - 1,
                digest=sha256_hex(self.payload),
                as_of=self.as_of,
                requester=self.requester,
            ),
            self.story.at,
        )
        self.governance.evolve(self.governance.seq + 1, events)
        return events
