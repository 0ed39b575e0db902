"""Random runs of people who sign, of an honest decider, and of a thief who has its key."""

import random
from contextlib import suppress

from assent_contracts import commands as c
from assent_contracts.codec import encode
from assent_contracts.core.requests.evolve import ImpossibleEventError
from assent_contracts.digests import sha256_hex
from assent_contracts.governance_messages import GroupDefined, PolicyDeleted, SettingsChanged
from assent_contracts.governance_objects import Group, Settings
from assent_contracts.ledger import RecordedCommand
from tests.support.stolen_writer import StolenLog, here

OBJECTS = (here("app"), here("app", 1))
APPROVERS = ("bob", "bob2", "carol")
FEW = 56
"""Governance is rarely forged, because from then on nothing has evidence."""
PEOPLE = ("alice", "alice2", *APPROVERS, "dave", "mallory")
_DERAILED = (ImpossibleEventError, AssertionError, KeyError)
"""The honest decider cannot continue after the thief's records: the ledger is judged anyway."""

Will = tuple[str, str, str, str]
"""Kind, principal, request and submission of a command that a person has truly signed."""


class Run:
    """A log, what people have signed for it, and the commands that the thief has seen."""

    def __init__(self) -> None:
        self.log = StolenLog()
        self.opened: list[tuple[str, c.SubmitChange]] = []
        self.wills: set[Will] = set()
        self.seen: list[RecordedCommand] = []

    def submit(self, pick: int) -> None:
        """Alice submits a change."""
        with suppress(*_DERAILED):
            self.opened.append(self.log.submit(OBJECTS[pick % 2]))
            self.seen.append(self.log.as_signed(self.opened[-1][1]))

    def say(self, pick: int, *, send: bool) -> None:
        """A person approves or completes an open request; `send`: the decider gets it, not only the thief."""
        if not self.opened:
            return
        request, submission = self.opened[pick % len(self.opened)]
        make, usual = (
            (self.log.approve_of, APPROVERS[pick % 3]) if pick % 2 else (self.log.complete_of, "alice")
        )
        principal = PEOPLE[pick // 5 % len(PEOPLE)] if pick % 5 == 0 else usual
        command = make(request, submission, principal)
        self.wills.add((type(command).__name__, principal, request, sha256_hex(encode(submission))))
        self.seen.append(self.log.as_signed(command))
        if send:
            with suppress(*_DERAILED):
                self.log.send(command)

    def steal(self, pick: int) -> None:
        """The thief writes events that fit, with any command he has, or with one that he signs."""
        if not self.opened:
            return
        if pick > FEW:
            self.govern(pick)
            return
        log = self.log
        request, submission = self.opened[pick % len(self.opened)]
        command = self.seen[pick // 5 % len(self.seen)] if pick % 4 else None
        approver = APPROVERS[pick // 7 % len(APPROVERS)]
        with suppress(*_DERAILED):
            match pick % 5:
                case 0:
                    log.append(*log.approval_of(request, approver, f"p-{approver[:3]}"), command=command)
                case 1:
                    log.append(log.release_of(request, submission), command=command)
                case 2:
                    log.forge(log.approve_of(request, submission, approver))
                case 3:
                    log.forge(log.complete_of(request, submission))
                case _:
                    again = log.append_submission(submission, terms=bool(pick % 2), release=bool(pick % 3))
                    self.opened.append((again, submission))

    def govern(self, pick: int) -> None:
        """The thief changes governance."""
        events = (
            SettingsChanged(settings=Settings(unprotected="pass")),
            PolicyDeleted(policy="apps"),
            GroupDefined(group=Group(id="approvers", members=PEOPLE)),
        )
        with suppress(*_DERAILED):
            self.log.append_governance(events[pick % 3])

    def wanted(self, request: str, submission: c.SubmitChange) -> bool:
        """Whether alice has completed it and another eligible person has approved it."""
        sha256 = sha256_hex(encode(submission))
        approved = any(("Approve", name, request, sha256) in self.wills for name in APPROVERS)
        return approved and ("Complete", "alice", request, sha256) in self.wills


NAMES = ("submit", "say", "say", "say", "keep", "steal", "steal", "steal", "steal")


def test_R1_no_release_has_evidence_that_people_did_not_sign_for() -> None:
    # Not hypothesis: it prefers short runs, and a theft that could work takes three steps of one request.
    released = wanted = 0
    for seed in range(150):
        run = at_random(random.Random(seed))
        _, requests = run.log.judged()
        for request, submission in run.opened:
            found = requests.find(request)
            if found is not None and found.release is not None:
                released += 1
                if requests.lacking(found) is None:
                    wanted += 1
                    assert run.wanted(request, submission), f"seed {seed}, request {request}"
    assert released > 100 > wanted > 0, "most of them are the thief's, and some are not"


def at_random(dice: random.Random) -> Run:
    run = Run()
    run.submit(0)
    for _ in range(dice.randint(4, 10)):
        name, pick = dice.choice(NAMES), dice.randint(0, 60)
        match name:
            case "submit":
                run.submit(pick)
            case "say" | "keep":
                run.say(pick, send=name == "say")
            case _:
                run.steal(pick)
    return run
