"""The decision records, as pages of the site, with a list of them."""

from infra.docs.markdown import table
from infra.docs.places import DECISIONS


def pages() -> dict[str, str]:
    """File name → page, for every record and the list."""
    records = {path.name: path.read_text(encoding="utf-8") for path in sorted(DECISIONS.glob("*.md"))}
    rows = []
    for name, text in records.items():
        number, _, title = text.partition("\n")[0].removeprefix("# ").partition(". ")
        rows.append((number, f"[{title}]({name})"))
    index = "\n\n".join(
        (
            "# Decision records",
            "Each record states what was chosen, what was not, and why.",
            table(("no.", "decision"), rows),
        )
    )
    return {"index.md": index, **records}
