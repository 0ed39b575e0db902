"""The refusals, from the contracts' catalogue and the gateway's table of statuses."""

import msgspec

from assent.gateway.problems import STATUS
from assent_contracts.refusals import WHAT_TO_DO, Refusal
from infra.docs.markdown import code, table
from infra.docs.python_docs import fields_with_docs

_CONFLICT = 409


def page() -> str:
    """The reference page."""
    rows = [
        (f'<span id="{each.value}">`{each.value}`</span>', str(STATUS.get(each, _CONFLICT)), sentence)
        for each, sentence in WHAT_TO_DO.items()
    ]
    documented = fields_with_docs("assent_contracts.refusals", "Refusal")
    fields = [
        (code(field.name), documented.get(field.name, ""))
        for field in msgspec.structs.fields(Refusal)
        if documented.get(field.name)
    ]
    return "\n\n".join(
        (
            "# Refusals",
            (
                "A refusal is an answer and not an error of Assent. The ledger records it with its code. The"
                " command line prints it and exits with 2. HTTP answers with `application/problem+json` (RFC"
                " 9457), where `todo` holds the sentence below. Codes are never renamed."
            ),
            table(("code", "HTTP", "what you can do"), rows),
            "A refusal has a `code` and a `detail`, a sentence of at most 200 characters. Some have more:",
            table(("field", "content"), fields),
        )
    )
