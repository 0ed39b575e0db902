"""Eras: an accepted loss ends one and begins the next. Pure.

A seal on the request ledger is signed in an era. After the end that a loss names, only seals of that loss's
era count. So records that were given up do not count again, although copies of them may exist.
"""

from collections.abc import Sequence
from typing import Final

from assent_contracts.governance_objects import LedgerEnd, Loss
from assent_contracts.resources import parse_request_id
from assent_contracts.topics import LedgerName

FIRST_ERA: Final = ""
"""The era of a log before its first accepted loss. Later eras are the id of the last accepted loss."""


def era_of(losses: Sequence[Loss]) -> str:
    """The era in which heads are signed after these losses, which were accepted in this order."""
    return losses[-1].era if losses else FIRST_ERA


def era_at(partition: int, seq: int, losses: Sequence[Loss]) -> str:
    """The era of the record `seq` in a partition of the request ledger, given these losses in order."""
    loss = loss_before(partition, seq, losses)
    return FIRST_ERA if loss is None else loss.era


def loss_before(partition: int, seq: int, losses: Sequence[Loss]) -> Loss | None:
    """The last loss whose end in a partition of the request ledger is before the record `seq`."""
    return next((loss for loss in reversed(losses) if gives_up(loss, "ledger", partition, seq)), None)


def losses_since(era: str, losses: Sequence[Loss]) -> Sequence[Loss]:
    """The losses in governance that were accepted after an era of the log, in order.

    Empty for an era that governance does not know, unless a loss names it as given up. Such an era exists if
    governance itself was restored to an earlier state.
    """
    if era == FIRST_ERA:
        return losses
    for number, loss in enumerate(losses):
        if era == loss.era:
            return losses[number + 1 :]
        if era in loss.given_up:
            return losses[number:]
    return ()


def knows(loss: Loss, governance: int) -> bool:
    """Whether a record with this governance seq was decided under a governance that contains the loss."""
    end = accepted_end_of(loss, "governance", 0)
    return end is None or governance > end.seq


def gives_up(loss: Loss, ledger: LedgerName, partition: int, seq: int) -> bool:
    """Whether this loss gives up the record `seq` of a ledger partition."""
    end = accepted_end_of(loss, ledger, partition)
    return end is not None and end.seq < seq


def gives_up_of(loss: Loss, request: str, seq: int) -> bool:
    """Whether this loss gives up the record `seq` of the partition that a request id names."""
    place = parse_request_id(request)
    return place is not None and gives_up(loss, "ledger", place[0], seq)


def accepted_end_of(loss: Loss, ledger: LedgerName, partition: int) -> LedgerEnd | None:
    """The end of a partition according to a loss; None if the loss does not name the partition."""
    return next((end for end in loss.ends if (end.ledger, end.partition) == (ledger, partition)), None)


def is_void(era: str, losses: Sequence[Loss]) -> bool:
    """Whether a head of an era no longer counts because a loss was accepted after it was signed or read.

    `losses`: all that governance has accepted, in order. An accepted loss states the end of each ledger,
    which replaces all heads of the eras before it. A head of an era that governance does not know counts.
    """
    return bool(losses_since(era, losses))


def is_given_up(ledger: LedgerName, partition: int, seq: int, era: str, losses: Sequence[Loss]) -> bool:
    """Whether the record `seq` of a partition, read in an era, has been given up since."""
    return any(gives_up(loss, ledger, partition, seq) for loss in losses_since(era, losses))
