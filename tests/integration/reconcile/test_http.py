"""R28: an HTTP API whose objects people change by hand."""

from collections.abc import Iterator
from typing import Any

import pytest

from assent.reconcile.readers.reader import UnreadableTargetError
from assent_contracts.client.handler import Applied, Release
from assent_contracts.released_change import Change
from tests.support.http_standin import Asked, Reply, StandIn, standing_in
from tests.support.reconciling import Reconciling, shape


class Flags:
    """Serves flags in pages of one, and applies what it is given."""

    reads_back = False

    def __init__(self, reconciling: Reconciling) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.answer: Reply | None = None
        self.stand_in: StandIn
        self.name = reconciling.name
        self.object = f"flag/{self.name}"
        self._reconciling = reconciling

    def list(self, asked: Asked) -> Reply:
        if self.answer is not None:
            return self.answer
        items, at = list(self.items.values()), int(asked.path.rpartition("=")[2] or 0)
        following = {"next": f"/flags?at={at + 1}"} if at + 1 < len(items) else {}
        return Reply(200, {"data": {"flags": items[at : at + 1]}, **following})

    def set(self, name: str, version: int, by: str = "assent") -> None:
        self.items[name] = {"id": name, "meta": {"version": version, "by": by}}

    async def apply(self, release: Release) -> Applied:
        name = release.change.resource.partition("/")[2]
        self.set(name, self.items.get(name, {"meta": {"version": 0}})["meta"]["version"] + 1)
        return Applied("", str(self.items[name]["meta"]["version"]))

    async def read_back(self, release: Release) -> None:
        raise NotImplementedError

    async def plan(self, change: Change) -> str:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    def configured(self, **fields: Any) -> None:
        host = self.stand_in.url.removeprefix("http://")
        lines = [
            'kind = "http"', "[http]", f'url = "{self.stand_in.url}/flags?at=0"', f'hosts = ["{host}"]',
            'items = "/data/flags"', 'object = "/id"', 'type = "flag"', 'version = "/meta/version"',
            'by = "/meta/by"', 'next = "/next"', "plain_http = true", "private_addresses = true",
            *(f"{name} = {value}" for name, value in fields.items()),
        ]  # fmt: skip
        self.file = self._reconciling.configuration("\n".join(lines))


@pytest.fixture
def flags(reconciling: Reconciling) -> Iterator[Flags]:
    made = Flags(reconciling)
    with standing_in(made.list) as made.stand_in:
        made.configured()
        yield made


async def test_R28_an_extra_object_a_changed_and_a_missing_one_are_found_once(
    reconciling: Reconciling, flags: Flags
) -> None:
    changed = await reconciling.applied(flags, flags.object, b"1")
    gone = await reconciling.applied(flags, f"{flags.object}-gone", b"1")
    await reconciling.run(flags.file)
    assert await reconciling.found(flags.file) == []
    flags.set(flags.name, 7, "mallory")
    flags.set("extra", 1, "mallory\x1b[31m")
    del flags.items[f"{flags.name}-gone"]
    run = await reconciling.run(flags.file)
    assert shape(run) == [
        ("unexplained", "flag/extra", "1", None),
        ("different", flags.object, "7", changed.request),
        ("missing", f"{flags.object}-gone", None, gone.request),
    ]
    assert [each.by for each in run.reported] == ["mallory [31m", "mallory", None]
    assert await reconciling.found(flags.file) == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Reply(500), "status 500"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), "status 302"),
        (Reply(200, {"data": {}}), "no list"),
        (Reply(200, {"data": {"flags": [{"id": "a"}]}}), "cannot be read"),
        (Reply(200, {"data": {"flags": [{"id": "\x00", "meta": {"version": 1}}]}}), "cannot be read"),
        (Reply(200, {"data": {"flags": [{"id": "a", "meta": {"version": 1}}] * 2}}), "twice"),
        (Reply(200, {"data": {"flags": []}, "next": "/flags?at=0"}), "more than 100 pages"),
        (Reply(200, {"data": {"flags": []}, "next": "http://elsewhere.example/"}), "not in `hosts`"),
        (Reply(200, "x" * 2 * 1024 * 1024), "too large"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_R28_an_answer_that_is_not_the_whole_list_is_no_finding(
    reconciling: Reconciling, flags: Flags, answer: Reply, why: str
) -> None:
    flags.answer = answer
    with pytest.raises(UnreadableTargetError, match=why):
        await reconciling.run(flags.file)
    assert await reconciling.recorded() == []
