"""Every command in every status of a request, from everybody: what it answers. Two approvals are needed.

alice has submitted; bob's approval is the first and carol's the second; `applier` has claimed.
"""

import pytest

from tests.support.given import Story
from tests.support.people import PRINCIPALS

APPROVED = ("alice submits", "bob approves", "carol approves")
APPLYING = (*APPROVED, "alice completes", "applier claims")
STATUSES: dict[str, tuple[str, ...]] = {
    "none": (),
    "needs approval, has 0": APPROVED[:1],
    "needs approval, has 1": APPROVED[:2],
    "approved": APPROVED,
    "released": APPLYING[:-1],
    "applying": APPLYING,
    "outcome unknown": (*APPLYING, "applier reports unknown"),
    "completed": (*APPLYING, "applier reports success"),
    "failed": (*APPLYING, "applier reports failure"),
    "rejected": (*APPROVED[:1], "carol rejects"),
    "canceled": (*APPROVED[:1], "alice cancels"),
    "expired": (*APPROVED[:1], "30 days pass", "the writer looks at the clock"),
    # Past its deadline, and the writer has not yet written so.
    "overdue approval": (*APPROVED[:2], "30 days pass"),
    "overdue approved": (*APPROVED, "30 days pass"),
    "overdue released": (*APPLYING[:-1], "30 days pass"),
    "overdue applying": (*APPLYING, "30 days pass"),
}
YES = {
    "submits": "ChangeSubmitted",
    "approves": "ApprovalGiven",
    "rejects": "RequestRejected",
    "revokes": "ApprovalRevoked",
    "cancels": "RequestCanceled",
    "completes": "ChangeReleased",
    "claims": "ChangeClaimed",
    "reports success": "RequestCompleted",
    "reports failure": "RequestFailed",
    "reports unknown": "OutcomeUnknown",
}
ANSWERS = {
    "quorum": "ApprovalGiven + RequestApproved",
    "locked": "resource-locked",
    "no-role": "not-permitted",
    "no-such": "unknown-request",
    "own": "own-request",
    "outside": "not-an-approver",
    "closed": "not-pending",
    "done": "already-decided",
    "other": "digest-mismatch",
    "notmine": "not-requester",
    "unappr": "not-approved",
    "no-appl": "not-an-applier",
    "unrel": "not-released",
    "unclaim": "not-claimed",
}
TABLE = {
    "submits": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
needs approval, has 0:  locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
needs approval, has 1:  locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
approved:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
released:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
applying:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
outcome unknown:        locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
completed:              yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
failed:                 yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
rejected:               yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
canceled:               yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
expired:                yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
overdue approval:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue approved:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue released:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue applying:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
    """,
    "approves": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     yes     yes     yes     outside outside outside  outside outside
needs approval, has 1:  own     own     done    done    quorum  outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
    """,
    "approves other bytes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     other   other   other   outside outside outside  outside outside
needs approval, has 1:  own     own     done    done    other   outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
    """,
    "rejects": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     yes     yes     yes     outside outside outside  outside outside
needs approval, has 1:  own     own     done    done    yes     outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
    """,
    "revokes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  outside outside outside outside outside outside outside outside  outside outside
needs approval, has 1:  outside outside yes     yes     outside outside outside outside  outside outside
approved:               outside outside yes     yes     yes     outside outside outside  outside outside
released:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
applying:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
outcome unknown:        closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       outside outside closed  closed  outside outside outside outside  outside outside
overdue approved:       outside outside closed  closed  closed  outside outside outside  outside outside
overdue released:       closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue applying:       closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
    """,
    "cancels": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
needs approval, has 1:  yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approved:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
released:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
applying:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
outcome unknown:        closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue approved:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue released:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue applying:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
    """,
    "completes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
needs approval, has 1:  unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approved:               yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
released:               done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
applying:               done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
outcome unknown:        done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
completed:              unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
failed:                 unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
rejected:               unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
canceled:               unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
expired:                unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
overdue approval:       unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue approved:       unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue released:       done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue applying:       done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
    """,
    "claims": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
needs approval, has 1:  no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
approved:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
released:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  yes     yes
applying:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
outcome unknown:        no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
completed:              no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
failed:                 no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
rejected:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
canceled:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
expired:                no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue approval:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue approved:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue released:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue applying:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
    """,
    "reports success": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
needs approval, has 1:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approved:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
released:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
applying:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
outcome unknown:        unclaim unclaim unclaim unclaim yes     yes     unclaim unclaim  yes     unclaim
completed:              unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
failed:                 unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
rejected:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
canceled:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
expired:                unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approval:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approved:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue released:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue applying:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
    """,
    "reports unknown": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
needs approval, has 1:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approved:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
released:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
applying:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
outcome unknown:        unclaim unclaim unclaim unclaim done    done    unclaim unclaim  done    unclaim
completed:              unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
failed:                 unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
rejected:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
canceled:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
expired:                unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approval:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approved:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue released:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue applying:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
    """,
}


TABLE["reports failure"] = TABLE["reports success"]


def cells() -> dict[tuple[str, str, str], str]:
    """(verb, status, who) to the table's word."""
    read: dict[tuple[str, str, str], str] = {}
    for verb, grid in TABLE.items():
        head, *rows = grid.strip().splitlines()
        for row in rows:
            status, words = row.split(":")
            for who, word in zip(head.split(), words.split(), strict=True):
                assert (verb, status, who) not in read
                read[verb, status, who] = word
    return read


CELLS = cells()


def test_no_cell_is_missing() -> None:
    verbs = {*YES, "approves other bytes"}
    assert set(CELLS) == {(verb, status, who) for verb in verbs for status in STATUSES for who in PRINCIPALS}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("verb", TABLE)
def test_answer(verb: str, status: str) -> None:
    for who in PRINCIPALS:
        story = Story().given(*STATUSES[status])
        before = story.status()
        word = CELLS[verb, status, who]
        expected = YES[verb] if word == "yes" else ANSWERS[word]
        assert story.when(f"{who} {verb}") == expected, who
        refused = expected.islower()
        assert not refused or story.status() == before, who
