"""R21: which approvals of a request count now. Pure."""

import msgspec

from assent.reading.request_rows import deciding_of_row
from assent.store.queries import RequestView
from assent_contracts.core.governance.state import Governance
from assent_contracts.core.requests.approvers import lapse, standing_terms


def mark_lapsed(row: RequestView, governance: Governance) -> RequestView:
    """The row, with each approval that no longer counts marked as lapsed.

    An ended or released request has used its approvals, so they are shown as they were.
    """
    state = deciding_of_row(row)
    if state is None or not row.approvals:
        return row
    terms = standing_terms(state.submission, governance)
    marked = tuple(
        msgspec.structs.replace(shown, lapsed=lapse(given, terms, governance))
        for shown, given in zip(row.approvals, state.approvals, strict=True)
    )
    return row if marked == row.approvals else msgspec.structs.replace(row, approvals=marked)
