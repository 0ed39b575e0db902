"""The key that a command signs with."""

from pathlib import Path

from assent.cli.connection.log_access import UnreachableError
from assent.cli.options import AccessOptions, Options
from assent_contracts.client.keys import SecretKey, load_key

_OF_THE_LOG = frozenset({"writer", "recovery"})
"""Keys in the same folder that belong to no principal."""


def signing_key_of(access: AccessOptions, options: Options) -> SecretKey:
    """The key to sign with. Raises KeyFileError, UnreachableError."""
    if access.key is not None:
        return load_key(access.key)
    folder = options.data / "keys"
    if access.as_ is None:
        raise UnreachableError(f"Say who you are: --as PRINCIPAL, or --key FILE.{_keys_in(folder)}")
    path = folder / f"{access.as_}.key"
    if "/" in access.as_ or access.as_.startswith(".") or not path.is_file():
        missing = f"There is no key of {access.as_!r} in {folder}; --key FILE takes one from elsewhere."
        raise UnreachableError(missing + _keys_in(folder))
    key = load_key(path)
    if key.principal != access.as_:
        raise UnreachableError(f"{path} is a key of {key.principal!r}; use --key {path} to sign as them.")
    return key


def _keys_in(folder: Path) -> str:
    names = sorted(path.stem for path in folder.glob("*.key") if path.stem not in _OF_THE_LOG)
    return f" Keys in {folder}: {', '.join(names)}." if names else ""
