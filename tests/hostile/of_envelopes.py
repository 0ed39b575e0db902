"""Hostile records for `assent.commands`: their identifiers, dates, requests, signatures and headers."""

from collections.abc import Iterator

from assent_contracts import limits
from tests.hostile.of_commands import RESOURCE, SIGNERS, UPSTREAM, command, record
from tests.hostile.recipe import Hostile, base64_of, repeat
from tests.hostile.texts import ODD_HEADERS


def records() -> Iterator[Hostile]:
    """All of them."""
    yield from _identifiers()
    yield from _dates()
    yield from _requests()
    yield from _signatures()
    yield from _envelopes()


def _identifiers() -> Iterator[Hostile]:
    for field, most in (("id", limits.COMMAND_ID_MAX_CHARS), ("principal", limits.NAME_MAX_CHARS)):
        yield record(
            f"{field} one over",
            command("submit-change", **{field: ['"', repeat("x", most + 1), '"']}),
            "too-large",
        )
        yield record(
            f"{field} of 200,000 characters",
            command("submit-change", **{field: ['"', repeat("x", 200_000), '"']}),
            "too-large",
        )
        for name, text in (
            ("empty", ""),
            ("with a space", "a b"),
            ("with NUL", "a\\u0000"),
            ("not ASCII", "é"),
            ("with DEL", "\\u007f"),
        ):
            yield record(f"{field} {name}", command("submit-change", **{field: f'"{text}"'}), "malformed")
    odd_resources = {
        "without a type": "/x",
        "without an id": "script/",
        "without a slash": "script",
        "empty": "",
        "of a capital": "Script/x",
        "with a line break": "script/a\\nb",
        "with NUL": "script/\\u0000",
        "not NFC": "script/e\\u0301",
        "of an overlong type": "s" * 65 + "/x",
        "of an overlong id": "script/" + "x" * 257,
        "with a C1 control": "script/\\u0085",
        "that begins with a blank": "script/ x",
        "that ends with a blank": "script/x ",
        "of a filler that draws nothing": "script/\u3164",
        "of a blank Braille cell": "script/\u2800",
        "with a joiner": "script/a\u034fb",
        "that runs backwards": "script/\u202etxt",
        "of a character that Unicode 14 does not know": "script/\U0001e08f",
        "of an unassigned character": "script/\u0378",
        "of a private character": "script/\ue000",
        "of no character": "script/\uffff",
        "with a variation selector": "script/a\ufe0f",
        "of a type with a dot": "a.b/x",
        "of a type with a space": "a b/x",
    }
    for name, text in odd_resources.items():
        yield record(f"a resource {name}", command("submit-change", resource=f'"{text}"'), "malformed")
    for name, text in (
        ("empty", ""),
        ("with a slash", "a/b"),
        ("in capitals", "CREATE"),
        ("overlong", "o" * 65),
        ("of a digit first", "1a"),
        ("with a line break", "create\\n"),
    ):
        yield record(f"an operation {name}", command("submit-change", operation=f'"{text}"'), "malformed")
    for name, text in (("empty", ""), ("with a space", "a b"), ("not ASCII", "é")):
        yield record(f"on_behalf_of {name}", command("submit-change", on_behalf_of=f'"{text}"'), "malformed")
    yield record("on_behalf_of 7", command("submit-change", on_behalf_of="7"), "malformed")
    yield record("an unknown principal", command("submit-change", principal='"nobody"'), "unknown-key")
    yield record("another's name", command("submit-change", principal='"alice"'), "unknown-key")
    yield record("a prototype's name", command("submit-change", principal='"__proto__"'), "unknown-key")


def _dates() -> Iterator[Hostile]:
    day = 24 * 60 * 60 * 1_000
    for name, at in (
        ("a day and a minute ago", f"@NOW-{day + 60_000}@"),
        ("in ten minutes", "@NOW+600000@"),
        ("of 1970", "0"),
        ("for ever", str(limits.FOR_EVER_MS)),
    ):
        yield record(f"dated {name}", command("submit-change", at=at), "stale")
    odd = (
        "-1",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "1.5",
        "1e400",
        "-1e400",
        "9" * 64,
        '"@NOW@"',
        "true",
        '"2026-01-01T00:00:00Z"',
    )
    for at in odd:
        yield record(f"dated {at[:24]}", command("submit-change", at=at), "malformed")
    for at in ("9" * 65, "9" * 5_000):
        yield record(
            f"dated with {len(at):,} digits", command("submit-change", at=repeat("9", len(at))), "malformed"
        )


def _requests() -> Iterator[Hostile]:
    for text in (
        "",
        "0",
        "-",
        "0-",
        "-0",
        "0-0-0",
        "00-0",
        "0-00",
        "a-b",
        "0-" + "9" * 19,
        "10000-0",
        "0 -0",
        "0-0\\n",
        "٠-٠",
        "0x0-0",
        "1e3-1",
    ):
        yield record(f"a request {text!r}", command("cancel", request=f'"{text}"'), "malformed")
    for text in ("@HERE@-999999", "@HERE@-999999999999999999", "9999-0"):
        for kind in ("approve", "reject", "revoke", "cancel", "complete", "claim", "report-outcome"):
            yield record(
                f"{kind} of {text}",
                command(kind, request=f'"{text}"'),
                "unknown-request",
                signed=SIGNERS.get(kind, UPSTREAM),
            )
    digests = {
        "of 63": "0" * 63,
        "of 65": "0" * 65,
        "in capitals": "A" * 64,
        "not hex": "g" * 64,
        "empty": "",
        "with a line break": "0" * 64 + "\\n",
        "of other digits": "٠" * 64,
    }
    for name, text in digests.items():
        for kind in ("approve", "reject", "complete"):
            yield record(
                f"{kind} with a submission {name}",
                command(kind, submission=f'"{text}"'),
                "malformed",
                signed=SIGNERS.get(kind, UPSTREAM),
            )
    for text in ("", "done", "SUCCEEDED", "succeeded "):
        yield record(
            f"an outcome {text!r}",
            command("report-outcome", outcome=f'"{text}"'),
            "malformed",
            signed="applier",
        )
    for kind in ("submit-change", "approve"):
        yield record(
            f"{kind} in another partition",
            command(kind),
            "misrouted",
            signed=SIGNERS.get(kind, UPSTREAM),
            partition=-2,
        )
    for who, expect in (("dave", "not-permitted"), ("alice", "no-policy")):
        yield record(
            f"of a type without a policy, by {who}",
            command("submit-change", resource='"other/@ID@"', principal=f'"{who}"'),
            expect,
            key="other/@ID@",
            partition=-1,
            signed=who,
        )
    for payload in (
        '"{}"',
        "1",
        "[]",
        '{"type":"$.change.type"}',
        '{"type":"assent.be-root.v1"}',
        '{"type":"assent.change-settings.v1"}',
        '{"type":"assent.delete-policy.v1","policy":"scripts","version":true}',
        repeat("[", 70),
    ):
        yield record(
            f"a change to governance {str(payload)[:60]}",
            command(
                "submit-change", principal='"alice-admin"', resource='"governance/settings"', payload=payload
            ),
            "malformed",
            signed="alice-admin",
            key="governance/settings",
            partition=-1,
        )
    yield record(
        "a later change to governance",
        command(
            "submit-change",
            principal='"alice-admin"',
            resource='"governance/settings"',
            payload='{"type":"assent.change-settings.v2"}',
        ),
        "unknown-version",
        signed="alice-admin",
        key="governance/settings",
        partition=-1,
    )


def _signatures() -> Iterator[Hostile]:
    ways = {
        "unsigned": "bad-signature",
        "spoiled": "bad-signature",
        "another command": "bad-signature",
        "another log": "bad-signature",
        "short": "bad-signature",
        "padded": "bad-signature",
        "not base64": "bad-signature",
        "zeros": "bad-signature",
        "stranger": "unknown-key",
        "impostor": "bad-signature",
        "expired": "unknown-key",
        "early": "unknown-key",
        "revoked": "unknown-key",
        "writer": "unknown-key",
        "bob": "unknown-key",
        "empty key": "unknown-key",
        "key of 129": "malformed",
        "key of 100,000": "malformed",
        "signature of 129": "malformed",
        "key not UTF-8": "malformed",
        "signature not UTF-8": "malformed",
        "key with a space": "malformed",
        "twice": "bad-signature",
    }
    for way, expect in ways.items():
        yield record(f"signature: {way}", command("cancel"), expect, signed=way)
    yield record("a gateway for a claim", command("claim"), "unknown-key", signed="gateway")
    yield record(
        "a gateway for nobody", command("approve", principal='"nobody"'), "unknown-key", signed="gateway"
    )


def _envelopes() -> Iterator[Hostile]:
    for name, headers in ODD_HEADERS.items():
        yield record(f"headers: {name}", command("approve"), "unknown-request", signed="bob", headers=headers)
    for name, content in (("another id", "2"), ("not UTF-8", base64_of(b"\xff")), ("empty", "")):
        yield record(
            f"ce_id {name}", command("approve"), "malformed", signed="bob", headers=[["ce_id", content]]
        )
    for name, content in (
        ("another type", "assent.reject.v1"),
        ("not UTF-8", base64_of(b"\xff")),
        ("empty", ""),
    ):
        yield record(
            f"ce_type {name}", command("approve"), "malformed", signed="bob", headers=[["ce_type", content]]
        )
    keys = {
        "no": None,
        "an empty": "",
        "another object's": "script/other",
        "a binary": base64_of(b"\xff\xfe\0"),
        "a longer": f"{RESOURCE} ",
        "a NUL": "\0",
        "a 2 KB": repeat("k", 2_000),
        "a 500 KB": repeat("k", 500_000),
    }
    for name, key in keys.items():
        yield record(f"{name} key", command("approve"), "malformed", signed="bob", key=key)
        yield record(f"{name} key, unsigned", command("approve"), "bad-signature", signed=None, key=key)
    yield record("a key of 1,047,000 bytes", "{}", "bad-signature", signed=None, key=repeat("k", 1_047_000))
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        yield record(f"in {codec}", command("approve"), "unknown-request", signed="bob", codec=codec)
        yield record(
            f"a bomb of 240 KB in {codec}",
            ["{", repeat(" ", 240_000), "}"],
            "bad-signature",
            signed=None,
            codec=codec,
        )
