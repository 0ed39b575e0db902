"""Copies of the embedded Kafka's folder, taken and put back while it is down, as people do with backups."""

import shutil
from pathlib import Path

from assent.local.stack import Stack


async def copy_kafka(stack: Stack, to: Path) -> Path:
    """Stop Kafka, copy its folder to `to`, and start it again on the same port; returns the copy."""
    await stack.kafka.kill()
    shutil.copytree(stack.directory.kafka, to)
    await stack.kafka.start()
    return to


async def put_kafka_back(stack: Stack, copy: Path) -> None:
    """Stop Kafka, put the copy in its folder's place, and start it again on the same port."""
    await stack.kafka.kill()
    shutil.rmtree(stack.directory.kafka)
    shutil.copytree(copy, stack.directory.kafka)
    await stack.kafka.start()
