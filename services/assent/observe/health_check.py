"""`python -m assent.observe.health_check`: whether the service in this container works. Exits 0 or 1.

It asks for `/livez` and not for `/readyz`: a service that waits for Kafka must not be restarted for that.
"""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Final

_LIMIT_S: Final = 3.0


def is_alive(host: str, port: int) -> bool:
    """Whether the service that serves its health here answers that it works."""
    connection = HTTPConnection(host, port, timeout=_LIMIT_S)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    own = os.environ.get("ASSENT_HTTP_HOST", "127.0.0.1")
    # An address that means all of them is not one to connect to.
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(own, own)  # noqa: S104  it binds nothing
    sys.exit(not is_alive(address, int(os.environ["ASSENT_HTTP_PORT"])))
