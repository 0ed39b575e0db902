"""Scripts, styles and images, with their content's hash in their names. Browsers keep them for a year."""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get
from litestar.params import PathParameter

from assent.gateway.problems import not_found

_FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HASH_CHARS: Final = 12
_FOR_A_YEAR: Final = "public, max-age=31536000, immutable"


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is sent."""

    content_type: str
    plain: bytes
    zipped: bytes


@cache
def static_files() -> dict[str, StaticFile]:
    """Every file by the name under which it is served. Read once, so that names and content match."""
    return {
        _served_as(path): StaticFile(
            _TYPES[path.suffix], path.read_bytes(), gzip.compress(path.read_bytes(), mtime=0)
        )
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES
    }


@cache
def static(name: str) -> str:
    """The address of a file: `static("console.css")`. Raises FileNotFoundError."""
    return f"/static/{_served_as(_FOLDER / name)}"


def _served_as(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH_CHARS]
    return f"{path.stem}.{digest}{path.suffix}"


@get("/static/{name:str}", include_in_schema=False, name="static")
async def send_static(
    request: Request[Any, Any, Any], name: Annotated[str, PathParameter(max_length=100)]
) -> Response[bytes]:
    """Send one file. Only listed names are served, so no path can lead elsewhere."""
    found = static_files().get(name)
    if found is None:
        raise not_found("file")
    headers = {"Cache-Control": _FOR_A_YEAR, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.plain, media_type=found.content_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(found.zipped, media_type=found.content_type, headers=headers)
