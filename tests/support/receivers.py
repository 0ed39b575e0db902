"""The receivers of notifications: a web server and a mail server of a few lines, on loopback."""

import asyncio
import email.policy
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import msgspec
from standardwebhooks import Webhook


class Received(msgspec.Struct, frozen=True):
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def verified(self, secret: str) -> Any:
        """The body, if the signature is right; raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


class WebReceiver:
    """Accepts POSTs and answers with `status`; while `holds` is set it reads them and never answers."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        self.holds = False
        self.extra = ""
        """Header lines to answer with."""
        self.port = 0
        self.scheme = "http"
        self.at_once = 0
        self.most_at_once = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(first.split(" ")[1], headers, body))
            if self.holds:
                await reader.read()
                return
            answer = f"HTTP/1.1 {self.status} X\r\n{self.extra}content-length: 0\r\nconnection: close\r\n\r\n"
            writer.write(answer.encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.at_once -= 1
            writer.close()


@asynccontextmanager
async def web_receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[WebReceiver]:
    """A web server on a port of its own."""
    receiver = WebReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.scheme = "http" if tls is None else "https"
    try:
        yield receiver
    finally:
        server.close()


class Mail(msgspec.Struct, frozen=True):
    """One mail as received, with its envelope."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class MailReceiver:
    """Speaks as much SMTP as smtplib does; while `holds` is set it accepts and never answers."""

    def __init__(self) -> None:
        self.received: list[Mail] = []
        self.holds = False
        self.refuses = False
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            if self.holds:
                await reader.read()
                return
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, recipients = "", list[str]()
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper()
            if verb.startswith("MAIL FROM:"):
                sender = line[10:].split(">")[0].strip("< ")
            elif verb.startswith("RCPT TO:"):
                recipients.append(line[8:].split(">")[0].strip("< "))
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                message = BytesParser(EmailMessage, policy=email.policy.default).parsebytes(content[:-5])
                if not self.refuses:
                    self.received.append(Mail(sender, tuple(recipients), message))
                writer.write(b"550 no\r\n" if self.refuses else b"250 taken\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")


@asynccontextmanager
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    """A mail server on a port of its own."""
    receiver = MailReceiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
