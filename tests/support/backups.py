"""Copies of the embedded servers' folders, made and restored while they are down, as with a backup."""

import asyncio
import shutil
from pathlib import Path

from assent.local.stack import Stack


async def copy_kafka(stack: Stack, to: Path) -> Path:
    """Stop Kafka, copy its folder to `to`, and start it again on the same port; returns the copy."""
    await stack.kafka.kill()
    await _copy(stack.directory.kafka, to)
    await stack.kafka.start()
    return to


async def restore_kafka(stack: Stack, copy: Path) -> None:
    """Stop Kafka, restore the copy to its folder's place, and start it again on the same port."""
    await stack.kafka.kill()
    shutil.rmtree(stack.directory.kafka)
    await _copy(copy, stack.directory.kafka)
    await stack.kafka.start()


async def restore_topics(stack: Stack, copy: Path, *topics: str) -> None:
    """The same for some topics only: the others stay as they are."""
    await stack.kafka.kill()
    for there in stack.directory.kafka.rglob("*-*"):
        if there.is_dir() and there.name.rpartition("-")[0] in topics:
            shutil.rmtree(there)
            await _copy(copy / there.relative_to(stack.directory.kafka), there)
    await stack.kafka.start()


async def copy_postgres(stack: Stack, to: Path) -> Path:
    """The same for Postgres: what it had acknowledged is in the copy."""
    await stack.postgres.kill()
    await _copy(stack.directory.postgres, to)
    await stack.postgres.start()
    return to


async def restore_postgres(stack: Stack, copy: Path) -> None:
    """Stop Postgres, restore the copy to its folder's place, and start it again on the same port."""
    await stack.postgres.kill()
    shutil.rmtree(stack.directory.postgres)
    await _copy(copy, stack.directory.postgres)
    await stack.postgres.start()


async def _copy(folder: Path, to: Path) -> None:
    """With owners and modes, because Postgres runs as another user where tests run as root."""
    copying = await asyncio.create_subprocess_exec("cp", "-a", "--", str(folder), str(to))
    assert await copying.wait() == 0
