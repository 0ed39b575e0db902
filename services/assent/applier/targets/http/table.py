"""The table `[http]` of an applier's configuration."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from assent.applier.targets.paths import AbsolutePath
from assent.applier.targets.secrets import Secret

Template = Annotated[str, Meta(max_length=65_536)]
Pointer = Annotated[str, Meta(pattern=r"^(/[^\x00]*)?$", max_length=500)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
Status = Annotated[int, Meta(ge=100, le=599)]
Host = Annotated[str, Meta(pattern=r"^([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?$", max_length=260)]


class Find(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an object is found in a list that the target answers."""

    list: Pointer
    """Where the list is in the answer."""
    where: dict[Pointer, Template]
    """What the object has where. The first object with all of it is meant."""
    next: Pointer | None = None
    """Where the URL of the list's next page is."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a field of the answer says of the change."""

    at: Pointer
    """Where the field is."""
    succeeded: tuple[str, ...]
    """The values with which the step was successful."""
    failed: tuple[str, ...] = ()
    """The values with which the target made no change."""
    pending: tuple[str, ...] = ()
    """The values with which it is still at work: `poll` is asked. Any other value is unknown."""
    poll: Template | None = None
    """The URL to ask, with GET, until the value is another one."""
    every_s: Annotated[float, Meta(ge=0.01, le=600)] = 2.0
    """How often it is asked."""
    callback: bool = False
    """Whether the target reports the value later, instead of being asked: it sends JSON to the address in
    the template value `callback`. `at` is then looked at there, too. An answer without it is pending.
    """


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. A text with `{{ … }}` is a template."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    """The step's name in messages."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    """The method."""
    url: Template
    """The URL. Each value is percent-encoded."""
    types: tuple[str, ...] | None = None
    """The resource types; all if absent."""
    operations: tuple[str, ...] | None = None
    """The operations; all if absent."""
    when: Template | None = None
    """An expression, such as `id is none`: the step is left out unless it is true."""
    headers: dict[HeaderName, Template] = {}
    """More headers."""
    body: Template | None = None
    """The body, which must be JSON. Each value is written as JSON, a text with its quotation marks."""
    content_type: Template = "application/json"
    """The body's type."""
    success: tuple[Status, ...] = ()
    """The statuses that mean success; 200 to 299 if absent."""
    retryable: tuple[Status, ...] = ()
    """More statuses that mean: nothing was changed, and a later try may succeed."""
    repeatable: bool | None = None
    """Whether sending it twice does no harm. If absent, GET, PUT and DELETE are, and others are with
    `key_header`.
    """
    find: Find | None = None
    """Find an object in the answer. What follows looks at this object. Nothing found is no error."""
    save: dict[Name, Pointer] = {}
    """Names for values of the answer, for later steps; `none` where the answer has no such value."""
    save_headers: dict[Name, HeaderName] = {}
    """Names for headers of the answer."""
    expect: dict[Pointer, Template] = {}
    """What the answer must have where."""
    absent: bool = False
    """In `read_back`: the object must be missing."""
    outcome: Outcome | None = None
    """What a field of the answer says of the change."""


class OAuth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    token_url: Annotated[str, Meta(pattern=r"^https?://[^\x00-\x20]+$", max_length=2_000)]
    """Where tokens are issued. Its host must be in `hosts`."""
    client_id: Annotated[str, Meta(min_length=1, max_length=500)]
    """The client."""
    client_secret: Secret
    """Its secret, as `file:/path` or `env:NAME`."""
    scope: str = ""
    """The scope, if any."""


class CallbackReceiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the target's callbacks arrive."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\x00-\x20?#]+$", max_length=500)]
    """The address at which the target reaches the port below, such as that of a proxy with TLS."""
    port: Annotated[int, Meta(ge=0, le=65_535)]
    """The port on which the applier listens, while it has something to wait for and afterwards."""
    host: str = "127.0.0.1"
    """The address to which the port is bound."""
    secret: Secret
    """From this secret the addresses of callbacks are made: at least 32 characters that nobody can guess."""


class HttpTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTP API.

    Each field's docstring is its line in the documentation.
    """

    hosts: Annotated[tuple[Host, ...], Meta(min_length=1, max_length=20)]
    """The only hosts that are connected to, as `name` or `name:port`."""
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=50)]
    """The requests that make a change, in order, as tables `[[http.steps]]`."""
    read_back: Annotated[tuple[Step, ...], Meta(max_length=50)] = ()
    """The requests, all GET, that show whether a change was made, as tables `[[http.read_back]]`."""
    not_found_is_not_made: bool = False
    """Whether a change that `read_back` does not show was certainly not made, even just after a request."""
    key_header: HeaderName | None = None
    """The header in which the target expects an idempotency key, if it honours one."""
    version: Template = ""
    """The version that the change made, from what the steps saved."""
    callbacks: CallbackReceiver | None = None
    """Where callbacks arrive, as the table `[http.callbacks]`."""
    error_message: Pointer = "/detail"
    """Where an answer with an error has its message for people."""
    bearer: Secret | None = None
    """A token for the header Authorization, as `file:/path` or `env:NAME`."""
    secret_headers: dict[HeaderName, Secret] = {}
    """More headers with secrets, and where these are."""
    oauth: OAuth | None = None
    """How a token is got, as the table `[http.oauth]`."""
    signing_secret: Secret | None = None
    """The secret (`whsec_…`) that signs each request as in Standard Webhooks."""
    plain_http: bool = False
    """Whether `http://` is allowed."""
    private_addresses: bool = False
    """Whether the hosts may have addresses that are not public."""
    ca_file: AbsolutePath | None = None
    """The certificates to trust, in PEM. Without it, those of the system."""
    request_timeout_s: Annotated[float, Meta(ge=0.01, le=600)] = 30.0
    """How long one request may take."""
    answer_max_kib: Annotated[int, Meta(ge=1, le=16_384)] = 1_024
    """The largest answer that is read."""
