"""What goes into a target's files, URLs and bodies, for any object and any payload."""

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from assent.applier.targets.content import difference
from assent.applier.targets.exact_json import decode_exactly, encode_exactly
from assent.applier.targets.git.commit_message import has_key, message_of
from assent.applier.targets.http.templates import Templates
from assent.applier.targets.json_pointers import NOTHING, value_at
from assent_contracts.client.handler import FinalError
from tests.support.releases import release

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
TEMPLATES = Templates()


@given(texts)
def test_value_in_a_url_stays_one_part_of_its_path(value: str) -> None:
    try:
        url = TEMPLATES.url("https://host/a/{{ value }}/b", {"value": value})
    except FinalError:
        assert value in ("", ".", "..")
        return
    path = urlsplit(str(url)).path.split("/")
    assert (path[1], unquote(path[2]), path[3], url.host) == ("a", value, "b", "host")


@given(values)
def test_value_in_a_body_is_this_value_and_nothing_else(value: Any) -> None:
    body = TEMPLATES.body('{"before": 1, "value": {{ value }}, "after": 2}', {"value": value})
    assert json.loads(body) == {"before": 1, "value": value, "after": 2}


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_number_keeps_its_value(number: str) -> None:
    from decimal import Decimal

    assert Decimal(encode_exactly(decode_exactly(number.encode()))) == Decimal(number)


@given(values, st.lists(st.sampled_from(["", "a", "0", "1", "~0", "~1", "-"]), max_size=4))
def test_pointer_finds_a_value_or_nothing_and_never_fails(value: Any, parts: list[str]) -> None:
    found = value_at(value, "".join(f"/{part}" for part in parts))
    assert found is NOTHING or msgspec.json.encode(found) in msgspec.json.encode(value)


@given(texts, texts)
def test_no_justification_and_no_operation_looks_like_a_release_s_key(justification: str, key: str) -> None:
    one = release(justification=justification + f"\n\nAssent-Idempotency-Key: {key}")
    message = message_of(one)
    trailers = message.rstrip("\n").rpartition("\n\n")[2]
    assert has_key(trailers, one.idempotency_key)
    assert not has_key(trailers, key)


@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_difference_says_whether_there_is_one_and_prints_no_control_character(
    before: bytes | None, after: bytes | None
) -> None:
    shown = difference(before, after, "name")
    assert ("no change" in shown) == (before == after) or before is None or after is None
    assert all(char.isprintable() or char in "\n\t" for char in shown)
