"""The token in a Terraform run's request is in no document, whatever kind of source receives it."""

from typing import Any

import pytest

from assent.receiving.http_server import HttpRequest
from assent.store.pool import open_pool
from assent.upstream.http_source import HttpReceiver
from assent.upstream.mapping import Mapping
from assent.upstream.sealed_tokens import TokenSeal
from assent.upstream.source_settings import HttpSource, TerraformGate
from assent_contracts.client.keys import SecretKey
from tests.support.gate_callers import SECRET, Terraform, terraform_headers

PLAIN = Mapping(resource="app/x", operation="edit", justification="x")


@pytest.mark.parametrize("kind", [TerraformGate, HttpSource])
async def test_token_of_a_run_is_not_stored_in_its_document(
    dsn: str, tmp_path_factory: pytest.TempPathFactory, kind: type[TerraformGate | HttpSource]
) -> None:
    secret = tmp_path_factory.mktemp("secrets") / "secret"
    secret.write_text(SECRET)
    fields: dict[str, Any] = {"name": "runs", "path": "/runs", "secret_files": [secret], "mapping": PLAIN}
    source = (
        TerraformGate(**fields, workspaces=["ws-1"])
        if kind is TerraformGate
        else HttpSource(**fields, signature="terraform")
    )
    pool = await open_pool(dsn, "assent_upstream", application="test", size=1)
    try:
        receiver = HttpReceiver(source, pool, TokenSeal(SecretKey("gate-key", "gate")), lambda: None)
        body = Terraform().asks("task-1")
        answer = await receiver.route.handle(HttpRequest("/runs", terraform_headers(body), body))
        assert answer.status in (200, 202)
        row = await pool.fetchrow("select document, secret from upstream_events")
    finally:
        pool.terminate()
    assert row is not None
    assert b"ws-1" in row["document"]
    assert b"token-of" not in row["document"]
    assert (row["secret"] is not None) == (kind is TerraformGate)
