"""GET /livez and /readyz, open to all; /metrics for auditors, administrators and this machine.

They answer under any host name or address, because probes know only the container's.
"""

from typing import Any

from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from assent.gateway.application.audit import refuse_others
from assent.gateway.caller import find_caller
from assent.gateway.gateway_components import Gateway
from assent.gateway.same_machine import is_local
from assent.observe.health import STALLED_AFTER_S


@get("/livez", include_in_schema=False)
async def livez(gateway: Gateway) -> Response[dict[str, float]]:
    """Whether this gateway answers at all."""
    stalled = gateway.health.stalled_s()
    return Response({"stalled_s": round(stalled, 1)}, status_code=200 if stalled < STALLED_AFTER_S else 503)


@get("/readyz", include_in_schema=False)
async def readyz(gateway: Gateway) -> Response[dict[str, list[str]]]:
    """Whether it can do its work, and what is missing. The reasons are in its log, which is not public."""
    missing = sorted(gateway.health.missing())
    return Response({"missing": missing}, status_code=503 if missing else 200)


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], gateway: Gateway) -> Response[bytes]:
    """The figures for Prometheus. Raises Problem."""
    if not is_local(request, gateway):
        refuse_others(await find_caller(request, gateway), gateway)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
