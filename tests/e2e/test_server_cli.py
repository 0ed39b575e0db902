"""The CLI with only a gateway's address and a key file: no Kafka, no Postgres, no data directory."""

import json
import os
import re
import signal
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from assent.local.data_directory import Directory
from assent.local.founded_log import read_founded
from tests.support.cli import Cli, Up
from tests.support.gateway import free_port

Remote = Callable[[str], Cli]


@pytest.fixture(scope="module")
def server(up: Up) -> str:
    up.wait_for("Console: ")
    return [line for line in up.lines() if "Console: " in line][-1].rpartition(" ")[2]


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory that does not exist and is not created."""
    path = tmp_path_factory.mktemp("nowhere") / "data"
    yield path
    assert not path.exists()


@pytest.fixture(scope="module")
def remote(cli: Cli, server: str, nowhere: Path) -> Remote:
    """A principal's `assent`, on a machine that has only their key and the log's identity."""
    identity = read_founded(Directory(cli.data)).identity

    def of(who: str) -> Cli:
        key = cli.data / "keys" / f"{who}.key"
        return Cli(nowhere, {"ASSENT_SERVER": server, "ASSENT_KEY": str(key), "ASSENT_IDENTITY": identity})

    return of


def submitted(user: Cli, resource: str, payload: bytes = b"echo 1") -> str:
    answer = user("submit", resource, "-", "--text", "-j", "because", "--json", stdin=payload)
    assert answer.code == 0, answer
    return answer.json["events"][0]["request"]


def test_R1_R12_request_goes_from_submission_to_outcome(remote: Remote, cli: Cli) -> None:
    alice, bob = remote("alice"), remote("bob")
    said = alice("submit", "script/far.sh", "-", "--text", "-j", "Disks fill up", stdin=b"echo far\n")
    assert said.code == 0, said
    assert said.out.startswith("Submitted: request "), said
    request = said.out.split()[2].rstrip(",")
    assert request in alice("requests", "--mine").out
    assert request in bob("requests", "--received").out
    shown = bob("show", request)
    assert "Disks fill up" in shown.out
    assert "echo far" in shown.out
    assert bob("show", request, "--payload").out == '"echo far\\n"'
    approved = bob("approve", request, "--yes", "--note", "Looks right.")
    assert approved.out.startswith(f"Approved request {request}: that was the last approval it needed")
    assert "bob: Looks right." in alice("show", request).out
    completed = alice("complete", request, "--yes")
    assert (completed.code, completed.out.startswith("Released: request")) == (0, True), completed
    cli.until_status(request, "completed")
    document = alice("show", request, "--json").json
    assert document["request"]["status"] == "completed"
    assert not any("through" in each for each in document["history"])


def test_R9_R10_R11_refusals_of_the_ledger_exit_with_2_and_their_place(remote: Remote) -> None:
    alice, bob = remote("alice"), remote("bob")
    request = submitted(alice, "script/far-refused.sh")
    own = alice("approve", request, "--yes", "--json")
    assert (own.code, own.json["refusal"]["code"]) == (2, "own-request")
    partition, seq = map(int, request.split("-"))
    assert (own.json["partition"], own.json["seq"] > seq) == (partition, True)
    assert own.json["at"] > 0
    people = bob("cancel", request)
    assert (people.code, people.out) == (2, "")
    assert people.err.startswith("Refused: not-requester\n")
    again = ("submit", "script/far-refused.sh", "-", "--text", "-j", "again", "--json")
    assert alice(*again, stdin=b"x").json["refusal"]["open_request"] == request
    assert (
        bob("approve", request, "--submission", "0" * 64, "--json").json["refusal"]["code"]
        == "digest-mismatch"
    )
    assert bob("reject", request, "--yes", "--note", "no").out.startswith(f"Rejected request {request}")
    assert alice("cancel", request).code == 2


def test_R8_R11_revoke_and_cancel(remote: Remote) -> None:
    alice, bob = remote("alice"), remote("bob")
    request = submitted(alice, "script/far-revoked.sh")
    assert bob("approve", request, "--yes").code == 0
    assert bob("revoke", request, "--note", "wait").code == 0
    assert alice("cancel", request).code == 0
    assert alice("show", request, "--json").json["request"]["status"] == "canceled"


@pytest.mark.parametrize(
    "arguments",
    [
        ("policies", "list"),
        ("policies", "show", "scripts"),
        ("groups", "list"),
        ("groups", "show", "security"),
        ("roles", "list"),
        ("settings", "show"),
        ("principals", "show", "bob"),
        ("keys", "list"),
        ("requests",),
        ("requests", "--received"),
        ("settings", "set", "--expiry", "2d", "--dry-run"),
        ("principals", "disable", "carol", "--dry-run"),
        ("policies", "delete", "nothing", "--dry-run"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("form", ["people", "json"])
def test_remote_cli_reads_what_the_local_cli_reads(
    remote: Remote, cli: Cli, arguments: tuple[str, ...], form: str
) -> None:
    arguments = (*arguments, "--json") if form == "json" else arguments
    far = remote("bob")(*arguments)
    near = Cli(cli.data, {"ASSENT_AS": "bob"})(*arguments)
    assert far.code == near.code, far
    assert [_without_age(line) for line in far.out.splitlines()] == [
        _without_age(line) for line in near.out.splitlines()
    ]
    assert far.err == near.err


def _without_age(line: str) -> str:
    """Without column spacing and without ages."""
    return " ".join("ago" if re.fullmatch(r"\d+[smhd]", word) else word for word in line.split())


def test_status_of_a_request_is_reported_the_same_way(remote: Remote, cli: Cli) -> None:
    request = submitted(remote("alice"), "app/far-explained")
    for arguments in (
        ("explain", request, "--for", "alice"),
        ("who-can", "approve", request),
        ("show", request),
    ):
        for form in ((), ("--json",)):
            far, near = remote("bob")(*arguments, *form), cli(*arguments, *form)
            assert (far.code, far.out) == (near.code, near.out), arguments


def test_audit_requires_the_auditor_role(remote: Remote, cli: Cli) -> None:
    far = remote("dave")("audit", "tail", "-n", "5", "--json")
    near = cli("audit", "tail", "-n", "5", "--json")
    key = ("ledger", "partition", "seq")
    far_places = [[json.loads(line)[each] for each in key] for line in far.out.splitlines()]
    near_places = [[json.loads(line)[each] for each in key] for line in near.out.splitlines()]
    assert sorted(far_places) == sorted(near_places)
    assert len(far_places) == 5
    refused = remote("alice")("audit", "tail")
    assert (refused.code, refused.err.startswith("Refused: not-permitted\n")) == (2, True)
    assert remote("dave")("audit", "tail", "--follow").code == 1


def test_own_key_is_registered_used_and_revoked(
    remote: Remote, server: str, nowhere: Path, tmp_path: Path
) -> None:
    carol, file = remote("carol"), tmp_path / "carol-2.key"
    public = carol("keys", "new", "carol", "--id", "carol-2", "--out", str(file), "--json").json["public_key"]
    second = Cli(nowhere, {**carol.env, "ASSENT_KEY": str(file)})
    unknown = second("requests")
    assert (unknown.code, unknown.err.startswith("Refused: bad-signature\n")) == (2, True)
    unknown = second("submit", "script/unknown.sh", "-", "--text", "-j", "why", "--json", stdin=b"x")
    assert (unknown.code, unknown.json["refusal"]["code"]) == (2, "unknown-key")
    assert unknown.json["seq"] is None
    registered = carol("keys", "register", public, "--id", "carol-2")
    assert (registered.code, registered.out.startswith("Done: ")) == (0, True), registered
    request = submitted(second, "script/second-key.sh")
    assert second("cancel", request).code == 0
    assert carol("keys", "revoke", "carol-2").code == 0
    assert second("requests").code == 2


def test_change_that_needs_approval_becomes_a_request(remote: Remote) -> None:
    alice, bob = remote("alice-admin"), remote("bob")
    unsaid = alice("settings", "set", "--expiry", "60d")
    assert (unsaid.code, "-j TEXT" in unsaid.err) == (2, True), unsaid
    answer = alice("settings", "set", "--expiry", "60d", "-j", "Holidays", "--json")
    assert answer.code == 0, answer
    request = answer.json["request"]
    assert "expiry" in bob("show", request).out
    assert bob("reject", request, "--yes").code == 0


def test_unknown_or_invisible_request_exits_with_1(remote: Remote) -> None:
    for request in ("0-999999", "bla"):
        answer = remote("alice")("approve", request, "--yes")
        assert (answer.code, answer.out) == (1, ""), answer
    request = submitted(remote("alice"), "script/far-hidden.sh")
    hidden = remote("erin")("show", request)
    assert (hidden.code, f"There is no request {request}" in hidden.err) == (1, True), hidden


def test_unreachable_server_exits_with_3_in_plain_words(remote: Remote) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    bob = remote("bob")
    for arguments in (("requests",), ("approve", "0-1", "--yes"), ("policies", "list")):
        answer = bob(*arguments, "--server", address)
        assert (answer.code, answer.out) == (3, "")
        assert f"{address} cannot be reached" in answer.err
        assert "Nothing was sent." in answer.err
    submit = ("submit", "script/x.sh", "-", "--text", "-j", "why", "--json", "--server", address)
    answer = bob(*submit, stdin=b"x")
    assert (answer.code, answer.json["decided"]) == (3, False)


def test_no_decision_in_time_exits_with_3_and_the_command_stays_valid(
    up: Up, remote: Remote, cli: Cli
) -> None:
    alice = remote("alice")
    request = submitted(alice, "script/far-late.sh")
    decider = up.pid("decider")
    os.kill(decider, signal.SIGSTOP)
    try:
        given_up = alice("cancel", request, "--timeout", "1", "--json")
        late = alice("cancel", request)
    finally:
        os.kill(decider, signal.SIGCONT)
    for answer in (given_up, late):
        assert answer.code == 3, answer
        assert "It may still be decided" in answer.err
    assert given_up.json["decided"] is False
    assert "The command was sent" in late.err
    cli.until_status(request, "canceled")


def test_untrusted_certificate_is_refused(remote: Remote, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path / "server.pem"))
    with other_server(200, "application/json", b"{}", tls=context) as (address, heard):
        answer = remote("bob")("requests", "--server", address.replace("http:", "https:"))
    assert (answer.code, answer.out, heard) == (3, "", [])
    assert "its certificate does not hold" in answer.err


def self_signed(path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://assent.example", "not encrypted"),
        ("http://127.0.0.1.example", "not encrypted"),
        ("http://localhost.example:8700", "not encrypted"),
        ("http://10.0.0.1:8700", "not encrypted"),
        ("ftp://assent.example", "a scheme and a host"),
        ("assent.example", "a scheme and a host"),
        ("https://", "a scheme and a host"),
        ("https://user:word@assent.example", "a scheme and a host"),
        ("https://assent.example/path", "a scheme and a host"),
        ("https://assent.example?x=1", "a scheme and a host"),
        ("https://assent.example:port", "a scheme and a host"),
        ("https://[", "a scheme and a host"),
    ],
)
def test_unsafe_or_invalid_address_is_refused_unused(remote: Remote, address: str, words: str) -> None:
    answer = remote("bob")("requests", "--server", address)
    assert (answer.code, answer.out) == (1, ""), answer
    assert words in answer.err


def test_acting_principal_must_be_named(server: str, nowhere: Path) -> None:
    answer = Cli(nowhere, {"ASSENT_SERVER": server})("requests")
    assert (answer.code, "--key FILE" in answer.err) == (1, True)


@contextmanager
def other_server(
    status: int, content_type: str, body: bytes, *, tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[tuple[str, list[bytes]]]:
    """A web server that is not Assent's, and all that it receives."""
    heard: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", "0")))
            heard.append(self.requestline.encode() + self.headers.as_bytes() + content)
            self.send_response(status)
            for name, value in {"content-type": content_type, **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  the library's name

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
        httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  a handshake that fails is the point
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", heard
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", b"<html>"),
        (200, "application/json", b"{}"),
        (200, "application/json", b"\xff"),
        (200, "application/problem+json", b"[]"),
        (302, "text/html", b""),
        (404, "text/html", b"not here"),
        (502, "text/html", b"bad gateway"),
    ],
)
def test_server_that_is_not_assent_exits_with_3_and_gets_no_key(
    remote: Remote, status: int, content_type: str, body: bytes
) -> None:
    bob = remote("bob")
    secret = json.loads(Path(bob.env["ASSENT_KEY"]).read_text())["secret"].encode()
    submit = ("submit", "script/x.sh", "-", "--text", "-j", "why")
    with other_server(status, content_type, body, location="http://127.0.0.1:1/") as (address, heard):
        for arguments in (("requests",), submit):
            answer = bob(*arguments, "--server", address, stdin=b"x")
            assert (answer.code, answer.out) == (3, ""), answer
            assert "does not answer as Assent does" in answer.err
    assert len(heard) == 2
    assert not any(secret in each for each in heard)


def test_help_explains_the_server_option(cli: Cli) -> None:
    for command in ("submit", "show", "requests"):
        assert "--server" in cli(command, "--help").out
