"""Where notify goes on after a loss."""

from assent.store.rebuild import shared_with
from tests.support.losses import loss_at


def test_what_a_reader_shares_with_the_log_ends_at_the_first_loss_before_it() -> None:
    losses = [loss_at(10), loss_at(50)]
    assert shared_with(("assent.ledger", 0), 60, losses) == 10
    assert shared_with(("assent.ledger", 0), 10, losses) == -1
    assert shared_with(("assent.ledger", 1), 60, losses) == -1
