"""The pages of the client libraries list every field of a submission, with its name there and its limits."""

import re
from pathlib import Path
from typing import Final

import pytest

import assent_contracts
from assent_contracts import limits
from assent_contracts.commands import SubmitChange

CONTRACTS: Final = Path(assent_contracts.__file__).parents[1]
LIMITS: Final[dict[str, tuple[int, ...]]] = {
    "resource": (limits.RESOURCE_TYPE_MAX_CHARS, limits.RESOURCE_ID_MAX_CHARS),
    "operation": (limits.RESOURCE_TYPE_MAX_CHARS,),
    "justification": (limits.JUSTIFICATION_MAX_CHARS,),
    "payload": (limits.PAYLOAD_MAX_BYTES, limits.PAYLOAD_MAX_DEPTH, limits.NUMBER_MAX_CHARS),
    "on_behalf_of": (limits.NAME_MAX_CHARS,),
    "impact": (limits.IMPACT_MAX_CHARS,),
    "fallback": (limits.FALLBACK_MAX_CHARS,),
    "tested": (limits.TESTED_MAX, limits.TESTED_WHAT_MAX_CHARS, 64, limits.URI_MAX_CHARS),
    "expected": (limits.EXPECTED_MAX_CHARS,),
    "emergency": (),
    "tickets": (limits.TICKETS_MAX, limits.TICKET_MAX_CHARS),
    "base": (limits.VERSION_MAX_CHARS,),
    "not_before": (limits.WINDOW_AHEAD_MAX_MS // 86_400_000,),
    "not_after": (limits.LONGEST_MS // 86_400_000,),
    "members": (limits.SET_MEMBERS_MAX,),
    "part_of": (),
    "id": (limits.COMMAND_ID_MAX_CHARS,),
    "principal": (),
    "at": (),
}
NAMES: Final = {
    "go": ("command.go", "details.go", "key.go"),
    "java": tuple(f"src/main/java/assent/{name}.java" for name in ("Submission", "Details", "Key")),
}


@pytest.mark.parametrize("library", NAMES)
def test_a_page_lists_every_field_of_a_submission_with_its_limits(library: str) -> None:
    page = (CONTRACTS / library / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (?:`([A-Za-z.]+)`)? ?\| (.+) \|$", page, re.MULTILINE)
    assert [field for field, _, _ in rows] == list(LIMITS)
    assert {field for field, _, _ in rows} == set(SubmitChange.__struct_fields__)
    code = "".join((CONTRACTS / library / name).read_text(encoding="utf-8") for name in NAMES[library])
    for field, name, text in rows:
        numbers = [int(number.replace(",", "")) for number in re.findall(r"\b[0-9][0-9,]*\b", text)]
        for limit in LIMITS[field]:
            assert limit in numbers, f"{field}: {limit} is not in {text!r}"
        assert re.search(rf"\b{name.rpartition('.')[2]}\b", code), name
