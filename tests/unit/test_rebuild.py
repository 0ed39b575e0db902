"""Where notify continues after a loss."""

from assent.store.rebuild import shared_with
from assent_contracts.acceptance import Head
from assent_contracts.eras import FIRST_ERA
from assent_contracts.heads import HeadInEra
from tests.support.losses import loss_at


def test_history_shared_with_the_log_ends_at_the_first_loss_after_the_reader_s_era() -> None:
    losses = [loss_at(10), loss_at(50)]

    def read(seq: int, era: str = FIRST_ERA) -> HeadInEra:
        return HeadInEra(Head(seq, "ab" * 32, next_offset=seq + 1), era)

    assert shared_with(("assent.ledger", 0), read(60), losses) == 10
    assert shared_with(("assent.ledger", 0), read(60, "era-10"), losses) == 50
    assert shared_with(("assent.ledger", 0), read(60, "era-50"), losses) == -1
    assert shared_with(("assent.ledger", 0), read(10), losses) == -1
    assert shared_with(("assent.ledger", 1), read(60), losses) == -1
