"""Whether an applier's account can apply anything, as governance is now. Pure."""

from assent_contracts.client.keys import SecretKey
from assent_contracts.core.governance.roles import holds_role
from assent_contracts.core.governance.state import Governance


def account_fault(governance: Governance, key: SecretKey, now: int) -> str | None:
    """Why nothing that this key signs can be applied, and what to do; None if something can be.

    `now`: milliseconds since 1970 in UTC.
    """
    account = governance.principals.get(key.principal)
    registered = governance.keys.get(key.id)
    if account is None:
        return f"Governance has no account {key.principal}. Add it, or set the key file of another account."
    if not account.enabled:
        return f"The account {key.principal} is disabled. Enable it, or use another account."
    if registered is None:
        return (
            f"The key {key.id} is not registered. Register it for {key.principal}, or use another key file."
        )
    if registered.principal != key.principal:
        return (
            f"The key {key.id} belongs to {registered.principal}, not to {key.principal}. Use that account's"
            " own key file."
        )
    if registered.public_key != key.public_key:
        return (
            f"The key file has another secret than the key {key.id} that governance knows. Use the file that"
            " was made when that key was registered."
        )
    if not registered.is_valid(now):
        return f"The key {key.id} is revoked or not valid now. Register a new key, and use its key file."
    if not holds_role(governance, key.principal, "applier"):
        return (
            f"The account {key.principal} does not have the role applier for any type. Ask an administrator"
            " to assign it."
        )
    return None
