"""R28: an open finding in a sentence. Pure."""

from assent.store.finding_queries import FindingView


def finding_sentence(row: FindingView) -> str:
    """What differs, at which target, and how to close the finding."""
    match row.kind:
        case "unexplained":
            differs = "shows a change of this object that no request explains"
        case "different":
            differs = f"shows something else than request {row.request} made"
        case "missing":
            differs = f"does not show what request {row.request} made"
        case "restored":
            differs = "shows again what was applied"
    shows = "" if row.version is None else f" ({row.version})"
    return (
        f"Finding {row.id} is open: the target {row.target} {differs}{shows}."
        f" `assent findings close {row.id}` closes it, with the reason."
    )
