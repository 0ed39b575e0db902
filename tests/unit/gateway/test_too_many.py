"""A refusal that says when to retry says it to HTTP clients too."""

import pytest

from assent.gateway.problems import of_refusal
from assent_contracts.client.publisher import now_ms
from assent_contracts.refusals import Refusal, RefusalCode


@pytest.mark.parametrize(("in_ms", "least_s", "most_s"), [(30_000, 29, 30), (-5_000, 1, 1), (0, 1, 1)])
def test_too_many_commands_get_429_with_the_seconds_to_wait(in_ms: int, least_s: int, most_s: int) -> None:
    again_at = now_ms() + in_ms
    refusal = Refusal(code=RefusalCode.TOO_MANY_COMMANDS, detail="Too many.", again_at=again_at)
    problem = of_refusal(refusal)
    assert problem.status == 429
    assert least_s <= int(problem.headers["Retry-After"]) <= most_s
    assert problem.document()["again_at"] == again_at
    assert "Retry-After" not in of_refusal(Refusal(code=RefusalCode.STALE, detail="Late.")).headers
