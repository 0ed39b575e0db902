"""A gateway that answers whatever a test wants, and keeps the requests that it receives."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

Answer = tuple[int, object] | tuple[int, object, dict[str, str]]
"""(status, document), and headers besides those of every answer"""
Answers = Callable[[str, str], Answer]
"""From the method and the path."""


class Heard(msgspec.Struct):
    """The requests that it received: (method, path, body)."""

    requests: list[tuple[str, str, bytes]]

    @property
    def commands(self) -> list[bytes]:
        """The signed commands among them."""
        return [body for method, _, body in self.requests if method == "POST"]


@contextmanager
def false_gateway(answers: Answers) -> Iterator[tuple[str, Heard]]:
    """Its address, and what it receives."""
    heard = Heard(requests=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            heard.requests.append((self.command, self.path, body))
            status, document, *more = answers(self.command, self.path)
            content = msgspec.json.encode(document)
            self.send_response(status)
            problem = status >= 400
            self.send_header("content-type", "application/problem+json" if problem else "application/json")
            self.send_header("content-length", str(len(content)))
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815  the library's name

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
