"""The mapping language: places, whole values with their exact bytes, and errors that name what is missing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.upstream.change_digest import change_digest
from assent.upstream.mapping import (
    Mapping,
    MappingError,
    Submission,
    TemplateError,
    check_mapping,
    fill,
    is_wanted,
    submission_of,
)
from assent.upstream.raw_json import (
    PointerError,
    json_object,
    parse_pointer,
    text_of,
    value_at,
    without_member,
)
from assent_contracts.limits import JUSTIFICATION_MAX_CHARS

DOCUMENT = (
    b'{"body": {"name": "vpn", "n": 1.000, "big": 1e400, "yes": true, "none": null,'
    b' "list": [10, {"a/b": "c~d"}], "content": {"b": 1,  "a": "\\u00e9"}}, "headers": {}}'
)
PLAIN = Mapping(
    resource="app/{/body/name}", operation="edit", justification="Because.", payload="{/body/content}"
)


def test_places_are_filled_with_texts_numbers_and_booleans_as_they_are_written() -> None:
    assert fill("{/body/name}/{/body/n}/{/body/big}/{/body/yes}", DOCUMENT, {}) == "vpn/1.000/1e400/true"
    assert fill("{{{/body/list/0}}} {/body/list/1/a~1b}", DOCUMENT, {}) == "{10} c~d"
    assert fill("[{/body/none?}{/body/nowhere?}]", DOCUMENT, {}) == "[]"


@pytest.mark.parametrize(
    "template",
    ["{/body/none}", "{/nowhere}", "{/body/list/2}", "{/body/list/01}", "{/body/name/x}", "{/body/list}"],
)
def test_missing_value_is_an_error_that_names_its_place(template: str) -> None:
    with pytest.raises(MappingError, match=template.strip("{}")):
        fill(template, DOCUMENT, {})


def test_payload_that_is_one_place_keeps_its_bytes() -> None:
    assert submission_of(PLAIN, DOCUMENT).payload == b'{"b": 1,  "a": "\\u00e9"}'
    made = submission_of(
        msgspec.structs.replace(
            PLAIN, payload={"x": ["{/body/n}", "a{/body/n}", 2, False], "y": "{/nowhere?}"}
        ),
        DOCUMENT,
    )
    assert made.payload == b'{"x":[1.000,"a1.000",2,false],"y":null}'


def test_payload_is_the_whole_document_by_default() -> None:
    made = submission_of(Mapping(resource="app/x", operation="edit", justification="x"), DOCUMENT)
    assert made.payload == DOCUMENT


def test_translation_is_a_list_of_what_is_known() -> None:
    mapping = msgspec.structs.replace(
        PLAIN, on_behalf_of="{/body/name}", translate={"/body/name": {"vpn": "alice"}}
    )
    made = submission_of(mapping, DOCUMENT)
    assert (made.on_behalf_of, made.resource) == ("alice", "app/alice")
    other = msgspec.structs.replace(mapping, translate={"/body/name": {"dns": "alice"}})
    with pytest.raises(MappingError, match="nothing for 'vpn'"):
        submission_of(other, DOCUMENT)


def test_optional_place_in_a_payload_is_translated_too() -> None:
    mapping = msgspec.structs.replace(
        PLAIN, payload={"who": "{/body/name?}"}, translate={"/body/name": {"vpn": "alice"}}
    )
    assert submission_of(mapping, DOCUMENT).payload == b'{"who":"alice"}'
    other = msgspec.structs.replace(mapping, translate={"/body/name": {"dns": "alice"}})
    with pytest.raises(MappingError, match="nothing for 'vpn'"):
        submission_of(msgspec.structs.replace(other, resource="app/x"), DOCUMENT)


def test_condition_is_met_by_one_of_its_texts() -> None:
    assert is_wanted(msgspec.structs.replace(PLAIN, when={"/body/name": ["dns", "vpn"]}), DOCUMENT)
    assert not is_wanted(msgspec.structs.replace(PLAIN, when={"/body/name": ["dns"]}), DOCUMENT)
    assert not is_wanted(msgspec.structs.replace(PLAIN, when={"/body/nowhere": [""]}), DOCUMENT)


def test_long_justification_is_cut_and_shows_it() -> None:
    long = json_object({"why": msgspec.json.encode("x" * 3_000)})
    made = submission_of(
        msgspec.structs.replace(PLAIN, resource="a/b", justification="{/why}", payload="{/why}"), long
    )
    assert len(made.justification) == JUSTIFICATION_MAX_CHARS
    assert made.justification.endswith("x…")


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        (msgspec.structs.replace(PLAIN, resource="app/{body}"), "resource"),
        (msgspec.structs.replace(PLAIN, operation="{/a"), "operation"),
        (msgspec.structs.replace(PLAIN, justification="}"), "justification"),
        (msgspec.structs.replace(PLAIN, payload={"a": ["{x}"]}), r"payload.a\[0\]"),
        (msgspec.structs.replace(PLAIN, when={"a": ["x"]}), "when"),
        (msgspec.structs.replace(PLAIN, translate={"/~2": {}}), "translate"),
    ],
)
def test_wrong_template_is_named(mapping: Mapping, named: str) -> None:
    check_mapping(PLAIN)
    with pytest.raises(TemplateError, match=f"^{named}: "):
        check_mapping(mapping)


NAMES = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.data())
def test_pointer_leads_to_what_json_has_there(value: object, data: st.DataObject) -> None:
    document, steps = msgspec.json.encode(value), []
    while isinstance(value, dict | list) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        steps.append(str(key).replace("~", "~0").replace("/", "~1"))
        value = value[key]
    pointer = "".join(f"/{each}" for each in steps)
    found = value_at(document, pointer)
    assert (None if found is None else msgspec.json.decode(found)) == value
    assert parse_pointer(pointer) == tuple(each.replace("~1", "/").replace("~0", "~") for each in steps)


@pytest.mark.parametrize("text", ["a", "/~", "/~2", "/" + "a" * 600])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    with pytest.raises(PointerError):
        parse_pointer(text)


def test_member_is_taken_out_and_the_others_keep_their_bytes() -> None:
    assert without_member(b'{"a": 1.0, "access_token" : "x", "b":{"c":  2}}', "access_token") == (
        b'{"a":1.0,"b":{"c":  2}}'
    )
    assert text_of(b'"\\u00e9"') == "é"


CHANGE = Submission(
    resource="app/a", operation="edit", justification="Run 7.", payload=b'{"b": [1.0, 2], "a": null}'
)


def test_same_change_has_the_same_digest_and_another_has_not() -> None:
    digest = change_digest(CHANGE)
    same = [
        msgspec.structs.replace(CHANGE, payload=b'{"a":null,"b":[1.0,2]}'),
        msgspec.structs.replace(CHANGE, justification="Run 8."),
    ]
    assert {change_digest(each) for each in same} == {digest}
    others = [
        msgspec.structs.replace(CHANGE, resource="app/b"),
        msgspec.structs.replace(CHANGE, operation="delete"),
        msgspec.structs.replace(CHANGE, on_behalf_of="alice"),
        msgspec.structs.replace(CHANGE, payload=b'{"a":null,"b":[1,2]}'),
        msgspec.structs.replace(CHANGE, payload=b'{"a":null,"b":[1.00,2]}'),
        msgspec.structs.replace(CHANGE, payload=b'{"a":null,"b":[2,1.0]}'),
        msgspec.structs.replace(CHANGE, payload=b'{"a":null,"b":["1.0",2]}'),
    ]
    assert len({digest, *map(change_digest, others)}) == len(others) + 1


@pytest.mark.parametrize("other", [b'{"v":{"$number":"5"}}', b'{"v":"5"}', b'{"v":5.0}', b'{"$v":5}'])
def test_number_is_the_same_change_as_no_text_and_no_object(other: bytes) -> None:
    number = msgspec.structs.replace(CHANGE, payload=b'{"v":5}')
    assert change_digest(number) != change_digest(msgspec.structs.replace(CHANGE, payload=other))


def test_members_with_a_dollar_stay_different() -> None:
    spelt = [b'{"$number":"5"}', b'{"$$number":"5"}', b'{"number":"5"}']
    assert len({change_digest(msgspec.structs.replace(CHANGE, payload=each)) for each in spelt}) == len(spelt)
