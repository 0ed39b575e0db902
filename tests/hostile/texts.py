"""Odd values, odd JSON and odd headers, for every topic."""

from typing import Final

from tests.hostile.recipe import Recipe, base64_of, repeat

WORDS: Final = (
    "$.change.type",
    "$.type",
    "$",
    "malformed",
    "Expected `int`, got `str` - at `$.change.type`",
    "Object missing required field `type`",
    "Invalid value 'x' - at `$.change.type`",
    "JSON is malformed: invalid character (byte 0)",
    "__proto__",
    "%s%n{0}${jndi:x}",
)
ODD_VALUES: Final[dict[str, Recipe]] = {
    "no value": None,
    "an empty value": "",
    "a word": "malformed",
    "null": "null",
    "a number": "1",
    "a text": '"text"',
    "an array": "[]",
    "an empty object": "{}",
    "half an object": "{",
    "two objects": "{}{}",
    "a space before": ' {"type":"assent.cancel.v1"}',
    "a line break behind": '{"type":"assent.cancel.v1"}\n',
    "a BOM before": base64_of(b"\xef\xbb\xbf{}"),
    "UTF-16": base64_of("{}".encode("utf-16")),
    "not UTF-8": base64_of(b'{"type":"\xff"}'),
    "an encoded surrogate": base64_of(b'{"type":"\xed\xa0\x80"}'),
    "overlong UTF-8": base64_of(b'{"type":"\xc0\xaf"}'),
    "a lone surrogate": '{"type":"\\ud800"}',
    "a NUL": base64_of(b"{\0}"),
    "only NUL": repeat(base64_of(b"\0"), 1_000),
    "100,000 brackets": repeat("[", 100_000),
    "100,000 open objects": ["{", repeat('"a":{', 50_000), "}"],
    "100,000 nested types": ['{"type":', repeat("[", 50_000), repeat("]", 50_000), "}"],
    "a trailing comma": '{"type":"assent.cancel.v1",}',
    "a comment": '{/**/"type":"assent.cancel.v1"}',
    "single quotes": "{'type':'assent.cancel.v1'}",
    "type is null": '{"type":null}',
    "type is a number": '{"type":1}',
    "type is an object": '{"type":{"type":"$.change.type"}}',
    "type twice": '{"type":"assent.cancel.v1","type":"assent.approve.v1"}',
    "a key without a value": '{"type"}',
    "an empty name": '{"":1}',
    "20,000 keys": ['{"a":1', repeat(',"b":2', 20_000), "}"],
    "XML": "<?xml version='1.0'?><a/>",
    "a Java object": base64_of(b"\xac\xed\0\x05sr\0"),
    "a pickle": base64_of(b"\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x01a\x94."),
    "Avro": base64_of(b"\0\0\0\0\x01\x02a"),
}
ODD_JSON: Final[dict[str, tuple[Recipe, str]]] = {
    "a lone surrogate": ('"\\ud800"', "malformed"),
    "surrogates the wrong way round": ('"\\udc00\\ud800"', "malformed"),
    "a key twice": ('{"a":1,"a":2}', "malformed"),
    "a key twice, escaped": ('{"a":1,"\\u0061":2}', "malformed"),
    "a key twice, ten deep": ([repeat('{"a":', 10), '{"b":1,"b":2}', repeat("}", 10)], "malformed"),
    "a key twice in an array": ('[{"a":1},{"b":1,"b":1}]', "malformed"),
    "64 digits": (repeat("9", 64), "decided"),
    "65 digits": (repeat("9", 65), "too-large"),
    "5,000 digits": (repeat("9", 5_000), "too-large"),
    "a long fraction": (["0.", repeat("1", 100)], "too-large"),
    "a long exponent": (["1e", repeat("9", 70)], "too-large"),
    "a huge exponent": ("1e400", "decided"),
    "digits in a text": (['"', repeat("9", 5_000), '"'], "decided"),
    "NaN": ("NaN", "malformed"),
    "Infinity": ("Infinity", "malformed"),
    "a leading zero": ("01", "malformed"),
    "a plus": ("+1", "malformed"),
    "a bare point": (".5", "malformed"),
    "64 levels": ([repeat("[", 64), repeat("]", 64)], "decided"),
    "65 levels": ([repeat("[", 65), repeat("]", 65)], "too-large"),
    "1,000 levels": ([repeat("[", 1_000), repeat("]", 1_000)], "malformed"),
    "100,000 levels": ([repeat("[", 100_000), repeat("]", 100_000)], "malformed"),
    "65 objects": ([repeat('{"a":', 65), "1", repeat("}", 65)], "too-large"),
    "unbalanced brackets": (repeat("[", 50), "malformed"),
    "brackets in a text": (['"', repeat("[", 1_000), '"'], "decided"),
    "a raw line break": (base64_of(b'"a\nb"'), "malformed"),
    "a raw NUL": (base64_of(b'"\0"'), "malformed"),
    "an escaped NUL": ('"\\u0000"', "decided"),
    "an unknown escape": ('"\\x"', "malformed"),
    "bytes that are not UTF-8": (base64_of(b'"\xff"'), "malformed"),
    "a BOM": (base64_of(b'"\xef\xbb\xbf"'), "decided"),
    "text that runs backwards": ('"\\u202e"', "decided"),
    "nothing": ("", "malformed"),
    "words of our errors": ('{"type":"$.change.type","$.change.type":"malformed"}', "decided"),
    "a file that is not base64": ('{"$base64":"!"}', "decided"),
    "a file twice": ('{"$base64":"","$base64":"AA=="}', "malformed"),
    "another command": ('{"type":"assent.approve.v1","id":"1"}', "decided"),
    "50,000 empty objects": (["[{}", repeat(",{}", 50_000), "]"], "decided"),
    "100,000 quotes": (['"', repeat('\\"', 100_000), '"'], "decided"),
}
ODD_HEADERS: Final[dict[str, list[list[Recipe]]]] = {
    "a null one": [["traceparent", None]],
    "a binary one": [["traceparent", base64_of(b"\xff\x00\xfe")]],
    "a name that is not UTF-8": [[base64_of(b"\xff\xfe"), "1"]],
    "an empty name": [["", ""]],
    "300 of them": [["h", "1", 300]],
    "one of 100 KB": [["h", repeat("x", 100_000)]],
    "a name of 10 KB": [[repeat("h", 10_000), "x"]],
    "ours in capitals": [["ASSENT-KEY", "other"]],
    "ours with a space": [["assent-key ", "other"]],
    "a null ce_id": [["ce_id", None]],
    "a null ce_type": [["ce_type", None]],
    "a seal": [["assent-writer", "writer-1"], ["assent-seal", "AAAA"]],
}


FEW_VALUES: Final = {
    name: ODD_VALUES[name]
    for name in (
        "no value",
        "an empty value",
        "null",
        "an array",
        "half an object",
        "not UTF-8",
        "a lone surrogate",
        "only NUL",
        "100,000 brackets",
        "100,000 nested types",
        "type is an object",
        "20,000 keys",
    )
}


def wrong_types(content: str) -> tuple[str, ...]:
    """JSON texts of other types than this one's, and numbers in other notations."""
    if content.startswith('"'):
        return "null", '{"type":"$.change.type"}'
    if content in ("true", "false"):
        return "0", "null"
    if content.startswith("["):
        return "{}", "null"
    if content.startswith("{"):
        return "[]", "null"
    return '"1"', "null", "1.5", "true"
