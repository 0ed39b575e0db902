"""The whole system, as a collector of OpenTelemetry and as Prometheus see it."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from aiokafka import ConsumerRecord, TopicPartition

from assent.infra_files import infra_path
from assent.local.ports import free_port
from assent.local.whole_system import SERVICES
from assent_contracts.client.connection import Connection, open_producer
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.keys import load_key, signed_headers
from assent_contracts.client.partition_contents import partition_contents
from assent_contracts.client.publisher import Decided, Publisher, new_command_id, now_ms
from assent_contracts.codec import encode
from assent_contracts.commands import SubmitChange
from assent_contracts.ledger import decode_record
from assent_contracts.topics import LEDGER
from assent_contracts.trace_context import TRACEPARENT, TRACESTATE
from tests.support.cli import Cli, Up
from tests.support.otlp_receiver import Collector, Received, collecting
from tests.support.prometheus import promtool, scraping

RESOURCE = "script/traced.ps1"
_LIMIT_S = 30.0


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, Collector]]:
    """A system of its own, all of whose processes export their traces."""
    with collecting() as (address, collector):
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        cli = Cli(tmp_path_factory.mktemp("traced") / "data", env=environ)
        assert cli("init", str(infra_path("demo/governance.toml")), "--make-keys").code == 0
        up = Up(cli, tmp_path_factory.mktemp("up") / "up.txt")
        yield cli, collector
        assert up.stop() == 0


def by_service(spans: list[Received], service: str, name: str) -> list[Received]:
    return [each for each in spans if (each.service, each.name) == (f"assent-{service}", name)]


def the(spans: list[Received], service: str, name: str, **attributes: str) -> Received:
    """The one span of that service and name."""
    wanted = {f"assent.{key}": value for key, value in attributes.items()}
    found = [s for s in by_service(spans, service, name) if wanted.items() <= s.attributes.items()]
    assert len(found) == 1, (service, name, found)
    return found[0]


def until_span(collector: Collector, request: str, service: str, name: str, *, times: int = 1) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while True:
        spans = [s for s in collector.spans() if s.attributes.get("assent.request") == request]
        if len(by_service(spans, service, name)) >= times:
            return
        assert time.monotonic() < deadline, [(s.service, s.name, s.attributes) for s in spans]
        time.sleep(0.1)


def test_one_trace_follows_a_submission_to_its_outcome_and_an_approval_links_to_it(
    collected: tuple[Cli, Collector],
) -> None:
    cli, collector = collected
    request = cli.submit(RESOURCE, b'"echo traced"', who="alice")
    assert cli("approve", request, "--yes", "--note", "SecretNote.", "--as", "bob").code == 0
    assert cli("complete", request, "--yes", "--as", "alice").code == 0
    cli.until_status(request, "completed")
    until_span(collector, request, "status", "status", times=5)
    # Each process sends its spans in their order, so what came before these has arrived too.
    until_span(collector, request, "applier", "apply")
    until_span(collector, request, "dispatch", "dispatch")
    until_span(collector, request, "decider", "decide assent.report-outcome.v1")

    every = collector.spans()
    submitted = the(every, "decider", "decide assent.submit-change.v1", request=request)
    trace = collector.trace(submitted.trace_id)
    sent = the(trace, "cli", "send assent.commands", type="assent.submit-change.v1")
    assert (sent.parent, submitted.parent) == ("", sent.span_id)
    projected = the(trace, "status", "status", position=request)
    assert projected.parent == submitted.span_id
    dispatched = the(trace, "dispatch", "dispatch", request=request)
    assert dispatched.parent == submitted.span_id
    applied = the(trace, "applier", "apply", request=request, result="succeeded")
    assert applied.parent == dispatched.span_id
    for kind in ("assent.claim.v1", "assent.report-outcome.v1"):
        command = the(trace, "applier", "send assent.commands", type=kind)
        assert command.parent == applied.span_id
        decided = the(trace, "decider", f"decide {kind}", request=request)
        assert decided.parent == command.span_id
        the(trace, "status", "status", position=str(decided.attributes["assent.position"]))

    # Other people's decisions are traces of their own, which lead to the submission's.
    approved = the(every, "decider", "decide assent.approve.v1", request=request)
    assert approved.trace_id != submitted.trace_id
    assert approved.links == {(submitted.trace_id, submitted.span_id)}
    completed = the(every, "decider", "decide assent.complete.v1", request=request)
    assert dispatched.links == {(completed.trace_id, completed.span_id)}
    assert "SecretNote." not in repr(every)
    assert "echo traced" not in repr(every)
    assert cli("audit", "verify").code == 0


def test_refusal_is_on_the_span_of_its_decision(collected: tuple[Cli, Collector]) -> None:
    cli, collector = collected
    request = cli.submit("script/own.ps1", b'"echo own"', who="alice")
    assert cli("approve", request, "--yes", "--as", "alice").code == 2
    until_span(collector, request, "decider", "decide assent.approve.v1")
    refused = the(collector.spans(), "decider", "decide assent.approve.v1", request=request)
    assert refused.attributes["assent.refusal"] == "own-request"


def traceparent(trace_id: str, flags: str = "01") -> tuple[str, bytes]:
    return TRACEPARENT, f"00-{trace_id}-{secrets.token_hex(8)}-{flags}".encode()


def signed_submission(cli: Cli, resource: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The bytes and the headers of a submission by alice."""
    key = load_key(cli.data / "keys" / "alice.key")
    command = SubmitChange(
        id=new_command_id(),
        principal=key.principal,
        at=now_ms(),
        resource=resource,
        operation="edit",
        justification="It is needed.",
        payload=msgspec.Raw(b'"echo"'),
    )
    value = encode(command)
    return value, signed_headers(key, cli("env", "--json").json["identity"], command, value, "/tests")


async def submitted_with(
    cli: Cli, resource: str, headers: Sequence[tuple[str, bytes | None]], *, signed: bool = True
) -> tuple[Decided, ConsumerRecord]:
    """The decision on a submission with these headers beside its own, and the ledger's record of it."""
    env = cli("env", "--json").json
    connection = Connection(bootstrap=env["kafka"])
    follower = GovernanceFollower(connection, env["identity"])
    await follower.start()
    publisher = Publisher(connection, follower, source="/tests")
    await publisher.start()
    try:
        value, own = signed_submission(cli, resource)
        if not signed:
            own = []
        decided = await publisher.send_bytes(value, resource.encode(), [*own, *headers])  # type: ignore[list-item]
    finally:
        await publisher.stop()
        await follower.stop()
    place = TopicPartition(LEDGER, decided.partition)
    async with partition_contents(connection, place) as contents:
        async for records in contents:
            for record in records:
                assert record.value is not None
                if decode_record(record.value).seq == decided.seq:
                    return decided, record
    raise AssertionError(decided)


def traces_on(record: ConsumerRecord) -> list[tuple[str, bytes | None]]:
    return [each for each in record.headers if each[0] in (TRACEPARENT, TRACESTATE)]


def test_hostile_trace_headers_decide_nothing_and_are_not_kept(collected: tuple[Cli, Collector]) -> None:
    cli, collector = collected
    odd: list[list[tuple[str, bytes | None]]] = [
        [(TRACEPARENT, None)],
        [(TRACEPARENT, b"\xff" * 100_000)],
        [(TRACEPARENT, f"00-{'0' * 32}-{'1' * 16}-01".encode())],
        [traceparent("a" * 32), traceparent("b" * 32)],
        [traceparent("c" * 32, flags="00")],
        [(TRACESTATE, b"x=1")] * 3,
    ]
    for number, headers in enumerate(odd):
        decided, record = asyncio.run(submitted_with(cli, f"script/odd-{number}", headers))
        assert decided.refusal is None, headers
        assert traces_on(record) == []
    # What nobody is known to have signed leaves nothing of its headers, however right they are.
    decided, record = asyncio.run(submitted_with(cli, "script/forged", [traceparent("d" * 32)], signed=False))
    assert decided.refusal is not None
    assert traces_on(record) == []
    # A state is passed on to the collector, and not kept for ever.
    right = [traceparent("e" * 32), (TRACESTATE, b"vendor=" + b"s" * 505)]
    decided, record = asyncio.run(submitted_with(cli, "script/state", right))
    request = f"{decided.partition}-{decided.seq}"
    until_span(collector, request, "decider", "decide assent.submit-change.v1")
    [(name, content)] = traces_on(record)
    span = the(collector.trace("e" * 32), "decider", "decide assent.submit-change.v1", request=request)
    assert (name, content) == (TRACEPARENT, f"00-{'e' * 32}-{span.span_id}-01".encode())
    assert {each.trace_id for each in collector.spans()} & {letter * 32 for letter in "abcd"} == set()
    assert cli("audit", "verify").code == 0


def test_gateway_continues_the_trace_of_its_caller_and_names_it_in_its_log(
    collected: tuple[Cli, Collector],
) -> None:
    cli, collector = collected
    url = f"http://127.0.0.1:{json.loads((cli.data / 'ports.json').read_text())['console']}"
    command, headers = signed_submission(cli, "script/relayed.ps1")
    name, parent = traceparent("f" * 32)
    own = {key: content.decode() for key, content in headers if key.startswith("assent-")}
    answer = httpx.post(
        f"{url}/api/v1/commands", content=command, headers={**own, name: parent.decode()}, trust_env=False
    )
    assert answer.status_code == 201, answer.text
    request = answer.json()["request"]
    until_span(collector, request, "status", "status")
    answered = the_one(collector, "gateway", "POST")
    assert answered.parent == parent.decode().split("-")[2]
    assert answered.attributes == {"http.request.method": "POST", "http.response.status_code": 201}
    sent = the_one(collector, "gateway", "send assent.commands")
    decided = the_one(collector, "decider", "decide assent.submit-change.v1")
    assert (sent.parent, decided.parent) == (answered.span_id, sent.span_id)
    lines = [line for line in logged(cli, "gateway", "decided") if line["request"] == request]
    assert [line["trace_id"] for line in lines] == ["f" * 32]


def the_one(collector: Collector, service: str, name: str) -> Received:
    """The span of that service and name in the caller's trace, once it has arrived."""
    deadline = time.monotonic() + _LIMIT_S
    while not by_service(collector.trace("f" * 32), service, name):
        assert time.monotonic() < deadline, collector.trace("f" * 32)
        time.sleep(0.1)
    return the(collector.trace("f" * 32), service, name)


def test_prometheus_scrapes_every_service_and_fires_on_what_a_stranger_wrote(
    collected: tuple[Cli, Collector], tmp_path: Path
) -> None:
    cli, _ = collected
    cli.submit("script/measured.ps1", b'"echo measured"', who="alice")
    ports = json.loads((cli.data / "ports.json").read_text())
    services = {name: ports[name] for name in SERVICES if name in ports}
    assert {"decider", "status", "audit", "dispatch", "applier", "gateway", "notify"} <= services.keys()
    with scraping(tmp_path, services, free_port()) as prometheus:
        prometheus.until_true(f"sum(up) == {len(services)}")
        prometheus.until_true("sum(assent_lead) == 4 + 1")
        for name, port in services.items():
            exported = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
            checked = promtool("check", "metrics", stdin=exported.text)
            assert (name, checked.returncode, checked.stdout + checked.stderr) == (name, 0, "")
        for expression in (
            'sum(assent_decisions_total{refusal=""}) > 0',
            "sum(assent_decision_seconds_count) > 0",
            'max(assent_open_requests_older{seconds="0"}) >= 0',
            'count(assent_lag_records{job="assent-status"} == 0) > 0',
            'count(assent_lag_records{job="assent-audit"} == 0) > 0',
            'count(assent_lag_seconds{job="assent-dispatch"} == 0) == 4',
            "max(assent_not_ready) == 0",
            "sum(assent_undecided_commands) == 0",
        ):
            prometheus.until_true(expression)
        assert {rule["health"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]} == {
            "ok"
        }
        assert prometheus.firing() == set()

        asyncio.run(written_by_a_stranger(cli))
        prometheus.until(lambda: prometheus.firing() == {"AssentQuarantined"})


async def written_by_a_stranger(cli: Cli) -> None:
    """A record on the ledger that is not its writer's."""
    producer = await open_producer(Connection(bootstrap=cli("env", "--json").json["kafka"]))
    try:
        await producer.send_and_wait(LEDGER, b"{}", partition=0)
    finally:
        await producer.stop()


def test_log_lines_of_every_service_are_found_from_a_request_and_lead_to_it(
    collected: tuple[Cli, Collector],
) -> None:
    cli, _ = collected
    request = cli.submit("script/logged.ps1", b'"echo logged"', who="alice")
    partition = request.partition("-")[0]
    for command, who in (("approve", "bob"), ("complete", "alice")):
        assert cli(command, request, "--yes", "--as", who).code == 0
    cli.until_status(request, "completed")
    seqs = [entry["seq"] for entry in cli("show", request, "--json").json["timeline"]]
    named = f"request {request}, and partition {partition} with first_seq <= N <= last_seq, N: "
    shown = " ".join(cli("show", request).out.split())
    assert f"in the logs {named}{', '.join(map(str, seqs))}" in shown

    for service, event in (
        ("decider", "decided"),
        ("status", "projected"),
        ("audit", "projected"),
        ("dispatch", "dispatched"),
    ):
        lines = [line for line in logged(cli, service, event) if str(line["partition"]) == partition]
        for seq in seqs:
            assert [seq] == [seq for line in lines if line["first_seq"] <= seq <= line["last_seq"]], service
    assert [line["result"] for line in logged(cli, "applier", "handled") if line["request"] == request] == [
        "succeeded"
    ]
    assert any(request in line["requests"] for line in logged(cli, "dispatch", "dispatched"))
    # The other way round: from the place in any line.
    other = cli("show", f"{partition}-{seqs[1]}")
    assert (other.code, request in other.err) == (1, True), other


def logged(cli: Cli, service: str, event: str) -> list[dict[str, Any]]:
    lines = (cli.data / "logs" / f"{service}.log").read_text().splitlines()
    read = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in read if line.get("event") == event and line.get("ledger", LEDGER) == LEDGER]
