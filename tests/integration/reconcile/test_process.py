"""R28: the reconciler as a process, on its schedule."""

import asyncio
from functools import partial

import msgspec
import pytest

from assent.observe.health import Health
from assent.reconcile.service import COMPARED, serve
from tests.support.readers import settings_for
from tests.support.reconciling import RECONCILERS, Reconciling
from tests.support.stack import until


async def test_R28_it_compares_until_it_is_stopped_and_is_ready_while_it_can(
    reconciling: Reconciling, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = reconciling.folder / "target"
    file = reconciling.configuration(
        f'kind = "files"\n[files]\nfolder = "{target}"', types='["app"]', every_s="1"
    )
    settings = msgspec.structs.replace(
        settings_for(reconciling.log, ""),
        key_file=reconciling.log.folder / f"{RECONCILERS[0]}.key",
        reconcile_file=file,
        state=reconciling.folder / "state",
    )
    health, stop = Health(COMPARED), asyncio.Event()
    task = asyncio.create_task(serve(settings, health, stop))

    async def says_why() -> bool:
        assert not task.done(), task.result()
        missing = health.missing()
        return COMPARED in missing and "cannot be read" in missing[COMPARED].why

    async def is_ready() -> bool:
        return COMPARED not in health.missing()

    async def has_found(number: int) -> bool:
        return len(await reconciling.recorded()) == number

    await until(says_why)
    (target / "app").mkdir(parents=True)
    await until(is_ready)
    for number in (1, 2):
        (target / "app" / "by-hand").write_text(f"{number}")
        await until(partial(has_found, number))
    stop.set()
    await asyncio.wait_for(task, 20)
