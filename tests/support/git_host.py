"""A git host for tests: a bare repository, over its path or over HTTP by `git http-backend`."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, TOKEN = "assent", "a-token"
_SAFE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
_ME = {
    f"GIT_{who}_{what}": "somebody@example.test"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    """What git prints there."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **_SAFE, **_ME},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.rstrip("\n")


class GitHost:
    """A bare repository with the branch `main` and one commit."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "host.git"
        self._clone = folder / "somebody"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(self.bare, "config", "http.receivepack", "true")
        git(folder, "clone", "--quiet", str(self.bare), str(self._clone))
        git(self._clone, "checkout", "--quiet", "-B", "main")
        self.commit("README", "A repository.\n")

    def commit(self, path: str, text: str, message: str = "By somebody else") -> str:
        """Commit and push a file as another person; the commit."""
        if git(self.bare, "branch"):
            git(self._clone, "fetch", "--quiet", "origin")
            git(self._clone, "reset", "--quiet", "--hard", "origin/main")
        file = self._clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        git(self._clone, "add", "--all")
        git(self._clone, "commit", "--quiet", "--file=-", stdin=message)
        git(self._clone, "push", "--quiet", "origin", "main")
        return self.tip()

    def tip(self) -> str:
        return git(self.bare, "rev-parse", "main")

    def commits(self) -> list[str]:
        """From the first one."""
        return git(self.bare, "log", "--reverse", "--format=%H", "main").splitlines()

    def show(self, path: str) -> str:
        return git(self.bare, "show", f"main:{path}") + "\n"

    def files(self) -> list[str]:
        return git(self.bare, "ls-tree", "-r", "--name-only", "main").splitlines()

    def hook(self, name: str, script: str) -> None:
        """Let the host run a script, such as `pre-receive`."""
        file = self.bare / "hooks" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


@contextmanager
def over_http(host: GitHost, *, lose_answers: int = 0) -> Iterator[str]:
    """The repository's URL, as a git host serves it, with a password.

    `lose_answers`: so many pushes are carried out, but their connection is closed without an answer.
    """

    class Handler(_Handler):
        folder = host.bare.parent
        left = lose_answers

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/host.git"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    left = 0

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path, _, query = self.path.partition("?")
        body = self._body()
        if (
            self.headers.get("authorization")
            != f"Basic {base64.b64encode(f'{USER}:{TOKEN}'.encode()).decode()}"
        ):
            self._answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        environment = {
            **os.environ,
            **_SAFE,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": USER,
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        printed = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=True
        ).stdout
        if self.command == "POST" and path.endswith("git-receive-pack") and len(body) > 4 and type(self).left:
            type(self).left -= 1
            self.close_connection = True
            self.connection.close()
            return
        head, _, rest = printed.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n")]
        fields = [(name, value) for name, _, value in lines]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self._answer(int(status.split()[0]), [each for each in fields if each[0] != "Status"], rest)

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def _answer(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*fields, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as the library names it
        return
