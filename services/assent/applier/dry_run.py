"""What released and approved requests would change in the target. Nothing is claimed, applied or
published.
"""

import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from assent.applier.configuration import configuration_of
from assent.applier.target_choice import open_target
from assent.applier.targets.target import Target
from assent.process_settings import ServiceSettings
from assent_contracts.client.follower import GovernanceFollower
from assent_contracts.client.handler import FinalError, RetryableError, UnknownOutcomeError
from assent_contracts.client.ledger_lookup import LedgerLookup
from assent_contracts.client.ledger_reader import LedgerReader
from assent_contracts.client.open_requests import OpenRequest, OpenRequests, ReleasedAt, submitted_payload
from assent_contracts.core.requests.states import Approved, Released
from assent_contracts.proof import NotProven
from assent_contracts.released_change import Change
from assent_contracts.resources import parse_request_id, resource_type

_NOT_YET: Final = ReleasedAt(0, 0)
"""Stands for the release of a request that is only approved."""


async def dry_run(settings: ServiceSettings, wanted: Collection[str]) -> int:
    """Print the plans of these requests, or of all, and return the exit code.

    It is 1 if one of `wanted` is neither approved nor released, or if a plan could not be made. Raises
    SettingsError, KafkaError, TimeoutError.
    """
    configuration = configuration_of(settings.applier_file, settings.target)
    follower = GovernanceFollower(settings.kafka, settings.identity, with_evidence=True)
    await follower.start()
    try:
        requests = await _open(settings, follower)
        chosen = [
            (partition, each)
            for partition in requests
            for each in partition.requests()
            if _is_next(each)
            and (each.request in wanted if wanted else _has_type(each, configuration.limits.types))
        ]
        with tempfile.TemporaryDirectory() as state:
            target = await open_target(configuration, Path(state), settings.identity, only_read=True)
            try:
                made = await _print_plans(settings, follower, target, chosen)
            finally:
                await target.close()
    finally:
        await follower.stop()
    missing = sorted(set(wanted) - {each.request for _, each in chosen})
    for request in missing:
        sys.stdout.write(f"{request}: is neither approved nor released, or was claimed already\n")
    if not chosen and not missing:
        sys.stdout.write("No request is approved or released.\n")
    return 0 if made and not missing else 1


async def _open(settings: ServiceSettings, follower: GovernanceFollower) -> list[OpenRequests]:
    """The open requests of every partition, from the accepted ledger."""
    assert follower.evidence is not None
    requests = [OpenRequests(partition, follower.evidence) for partition in range(follower.partitions)]
    reader = LedgerReader(settings.kafka, follower, dict.fromkeys(range(follower.partitions)))
    await reader.start()
    try:
        async for polled in reader.until(await reader.end_offsets()):
            for partition, accepted in polled.items():
                for each in accepted:
                    requests[partition].take(each)
    finally:
        await reader.stop()
    return requests


async def _print_plans(
    settings: ServiceSettings,
    follower: GovernanceFollower,
    target: Target,
    chosen: list[tuple[OpenRequests, OpenRequest]],
) -> bool:
    """Whether every plan could be made."""
    lookup = LedgerLookup(settings.kafka, follower, range(follower.partitions))
    await lookup.start()
    made = True
    try:
        for partition, request in chosen:
            released = request.release is not None
            lacks = partition.lacking(request) if released else None
            state = "released" if released else "approved"
            sys.stdout.write(f"{request.request}  {request.operation} {request.resource}  ({state})\n")
            change = await _change(request, lookup)
            if lacks is not None or change is None:
                sys.stdout.write(f"It would not be applied: {lacks or 'its submission is missing'}.\n")
                made = False
                continue
            try:
                sys.stdout.write(await target.plan(change))
            except (FinalError, RetryableError, UnknownOutcomeError) as error:
                sys.stdout.write(f"It would not be applied: {error}\n")
                made = False
    finally:
        await lookup.stop()
    return made


async def _change(request: OpenRequest, lookup: LedgerLookup) -> Change | None:
    place = parse_request_id(request.request)
    assert place is not None
    run = await lookup.run_at(*place, request.offset)
    if isinstance(run, NotProven):
        return None
    as_released = msgspec.structs.replace(request, release=request.release or _NOT_YET)
    try:
        return as_released.change(submitted_payload(run.values[0]))
    except (msgspec.MsgspecError, ValueError):
        return None


def _is_next(request: OpenRequest) -> bool:
    return request.is_for_appliers and isinstance(request.state, Approved | Released)


def _has_type(request: OpenRequest, types: Collection[str] | None) -> bool:
    return types is None or resource_type(request.resource) in types
