"""The table `[git]` of an applier's configuration."""

from typing import Annotated

import msgspec
from msgspec import Meta

from assent.applier.targets.content import TEXT_TYPES
from assent.applier.targets.paths import AbsolutePath
from assent.applier.targets.secrets import Secret

Branch = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$")]


class GitTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A branch of a repository.

    Each field's docstring is its line in the documentation.
    """

    url: Annotated[str, Meta(pattern=r"^(https://|http://|ssh://|/)[^\x00-\x20]+$", max_length=2_000)]
    """The repository: `https://…`, `ssh://…` or a path on this machine. Without a user's password in it."""
    branch: Branch = "main"
    """The branch that gets the commits. It must exist."""
    folder: Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$", max_length=500)] = ""
    """The folder in the repository in which the files are, with a slash at its end."""
    file_types: tuple[str, ...] = TEXT_TYPES
    """The types whose payload is a file. The payload of any other type is written as it is."""
    author: Annotated[str, Meta(pattern=r"^[^<>\x00-\x1f]{1,100}$")] = "Assent"
    """The name in the commits."""
    email: Annotated[str, Meta(pattern=r"^[^<>\s]{1,200}$")] = "assent@localhost"
    """The mail address in the commits."""
    signing_key: AbsolutePath | None = None
    """An SSH private key, without a passphrase, that signs the commits."""
    token: Secret | None = None
    """The password or token for `https://`, as `file:/path` or `env:NAME`."""
    user: Annotated[str, Meta(pattern=r"^[^:\x00-\x20]{1,200}$")] = "assent"
    """The user name that is sent with the token."""
    ssh_key: AbsolutePath | None = None
    """The SSH private key for `ssh://`."""
    known_hosts: AbsolutePath | None = None
    """The file with the host's SSH key. Required with `ssh_key`. An unknown host is refused."""
    plain_http: bool = False
    """Whether `http://` is allowed. The token then travels unencrypted."""
