"""What goes wrong before an answer is sent to a caller is tried again, and ends no service."""

from pathlib import Path

import httpx
import pytest

from assent.upstream.answer_loop import NotTakenError
from assent.upstream.gate_answers import send_of
from assent.upstream.gate_rows import DueAnswer
from assent.upstream.source_settings import GitlabStatusGate


async def test_token_that_is_missing_while_it_is_replaced_is_read_again_later(tmp_path: Path) -> None:
    gate = GitlabStatusGate(
        name="g",
        path="/g",
        secret_files=[],
        projects=[42],
        token_file=tmp_path / "token",
        api="http://unused",
    )
    answer = DueAnswer(
        id=1,
        waiter=1,
        state="passed",
        message="",
        attempts=1,
        source="g",
        callback=b'{"project":42,"iid":7,"sha":"b","check":5}',
        secret=None,
        request="0-1",
        waiter_status="passed",
    )
    async with httpx.AsyncClient() as client:
        with pytest.raises(NotTakenError, match="cannot be read") as raised:
            await send_of(gate, lambda _: "")(client, answer)
    assert not raised.value.final
