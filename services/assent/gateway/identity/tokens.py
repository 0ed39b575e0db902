"""Access tokens from the provider: for machines (client credentials), and for people who use a program.

The principal of a token:

- A token for a client itself, without a human subject, belongs to the service principal with the client's id
  (`client_id`, else `azp`). A token is for a client itself if its `sub` is that client's id (RFC 9068, 2.2,
  as in oidc-provider), or if its `preferred_username` is `service-account-<client id>` (as in Keycloak, whose
  `sub` is then a random id).
- Any other token belongs to the human principal that ASSENT_OIDC_PRINCIPAL_CLAIM names.

The kinds must match: a person who takes a service's name at the provider does not become the service, and a
client with a person's name does not become the person.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog

from assent.gateway.gateway_components import Bearer
from assent.gateway.identity.jwts import BadTokenError, verified_claims
from assent.gateway.identity.oidc import NotSignedInError, Oidc, principal_in
from assent.gateway.identity.provider import ALGORITHMS, ProviderError, provider_unreachable
from assent.gateway.problems import Problem
from assent_contracts.core.governance.state import Governance
from assent_contracts.limits import FOR_EVER_MS

_LATEST_S: Final = FOR_EVER_MS // 1_000
_KEYCLOAK_PREFIX: Final = "service-account-"
_NOT_ACCESS: Final = ("ID", "Refresh", "Offline", "Logout")
"""Keycloak's claim `typ` of tokens that are not access tokens."""


class AccessTokens:
    """Checks bearer tokens of one provider locally, without a request for each."""

    def __init__(self, oidc: Oidc, governance: Callable[[], Governance]) -> None:
        """`governance`: returns the current state."""
        self._settings = oidc.settings
        self._provider = oidc.provider
        self._governance = governance

    async def bearer_of(self, token: str) -> Bearer:
        """The principal of a token, and its expiry. Raises Problem.

        The codes: not-signed-in, not-permitted, provider-unreachable.
        """
        try:
            claims = await verified_claims(token, self._provider, ALGORITHMS, self._settings.audience)
            _check_bearer(claims)
            client = client_of(claims)
            principal = client or principal_in(claims, self._settings)
        except ProviderError as error:
            raise provider_unreachable() from error
        except (BadTokenError, NotSignedInError) as error:
            structlog.get_logger().info("token refused", reason=str(error))
            raise _refused(str(error)) from error
        self._check_kind(principal, is_client=client is not None)
        return Bearer(principal=principal, ends_at=int(min(claims["exp"], _LATEST_S)) * 1_000)

    def _check_kind(self, principal: str, *, is_client: bool) -> None:
        found = self._governance().principals.get(principal)
        # An unknown principal is refused later, where it is looked up.
        if found is not None and (found.person is None) != is_client:
            kind = "service" if is_client else "person"
            raise Problem(
                403,
                "not-permitted",
                f"The token is for a {kind}, but {principal!r} is not one here.",
                todo="Register a principal of that kind under the name in the token.",
            )


def client_of(claims: dict[str, Any]) -> str | None:
    """The client of a token without a human subject, by the rule above."""
    client = claims.get("client_id", claims.get("azp"))
    if not isinstance(client, str) or not client:
        return None
    # Keycloak keeps usernames in lower case.
    is_keycloaks = claims.get("preferred_username") == _KEYCLOAK_PREFIX + client.lower()
    return client if claims.get("sub") == client or is_keycloaks else None


def _check_bearer(claims: dict[str, Any]) -> None:
    if "cnf" in claims:
        # RFC 9449, 7.2: it is bound to a key, and presenting the token does not prove that key.
        raise BadTokenError("it is bound to a key, so it is not a bearer token")
    if claims.get("typ") in _NOT_ACCESS:
        raise BadTokenError("it is not an access token")


def _refused(why: str) -> Problem:
    return Problem(
        401,
        "not-signed-in",
        f"The access token is not valid: {why}.",
        todo="Get a new token from the provider, for this gateway's audience, and send it again.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
