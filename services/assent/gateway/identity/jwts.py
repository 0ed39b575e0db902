"""JSON Web Tokens from the provider: the signature, and the claims that every token needs."""

import warnings
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError, SecurityWarning
from joserfc.jws import JWSRegistry, extract_compact
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from assent.gateway.identity.provider import Provider

TOKEN_MAX_CHARS: Final = 16 * 1024
LEEWAY_S: Final = 30
"""The tolerance for the provider's clock."""


class BadTokenError(Exception):
    """The token is not valid. The message gives the reason, without the token."""


async def verified_claims(
    token: str, provider: Provider, algorithms: tuple[str, ...], audience: str
) -> dict[str, Any]:
    """The claims of a token that the provider signed for `audience` and that is valid now.

    Raises BadTokenError and ProviderError.
    """
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in algorithms:
        raise BadTokenError(
            f"it is signed with {_shown(algorithm)} and not with one of {', '.join(algorithms)}"
        )
    if kid is not None and not isinstance(kid, str):
        raise BadTokenError("its key id is not a string")
    if header.get("typ") not in (None, "JWT", "at+jwt", "application/at+jwt"):
        raise BadTokenError(f"its type is not supported: {_shown(header['typ'])}")
    key = await provider.key(kid, algorithm)
    if key is None:
        raise BadTokenError(f"the provider has no key {_shown(kid)} for {algorithm}, or has withdrawn it")
    claims = _claims(token, key, algorithm)
    _check(claims, provider.issuer, audience)
    return claims


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_MAX_CHARS:
        raise BadTokenError(f"it has more than {TOKEN_MAX_CHARS:,} characters")
    try:
        return extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise BadTokenError("it is not a signed JSON Web Token") from error


def _claims(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    # Unknown headers are no reason to refuse (RFC 7515, 4), except `crit` ones.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        with warnings.catch_warnings():
            # It warns about the name EdDSA (RFC 9864), which providers still use.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError) as error:
        raise BadTokenError("its signature is not the provider's") from error


def _check(claims: dict[str, Any], issuer: str, audience: str) -> None:
    there: ClaimsOption = {"essential": True}
    wanted = JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp=there,
        iat=there,
        sub=there,
    )
    try:
        wanted.validate(claims)
    except ExpiredTokenError as error:
        raise BadTokenError("it has expired") from error
    except MissingClaimError as error:
        raise BadTokenError(f"it lacks {error.claim}") from error
    except InvalidClaimError as error:
        raise BadTokenError(_WRONG.get(error.claim, f"its {error.claim} is not valid")) from error


_WRONG: Final = {
    "iss": "it comes from another issuer",
    "aud": "it is meant for another recipient (its audience is not this gateway)",
    "iat": "it was issued in the future",
}


def _shown(value: object) -> str:
    return repr(value)[:80]
