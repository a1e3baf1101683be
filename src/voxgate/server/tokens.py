"""Tokens of an OpenID Connect provider, as an alternative to API keys.

A token is a JWT (RFC 7519) signed by one of the keys that the provider publishes, for this
service as its audience. Its scopes are "voxgate:verify", "voxgate:enrol" and "voxgate:admin";
a claim names its domain.
"""

from typing import Any

import jwt
from jwt import PyJWKClient, PyJWKClientConnectionError

from voxgate.server.settings import Settings
from voxgate.store import DEFAULT_DOMAIN

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
PREFIX = "voxgate:"
CLOCKS_DIFFER_S = 30
KEYS_KEPT_S = 300


class BadTokenError(Exception):
    """The token is not one of the provider's for this service, or its time is over."""


class Tokens:
    """Checks tokens. Threads share it."""

    def __init__(self, issuer: str, audience: str, jwks_url: str, domain_claim: str) -> None:
        """Trust an issuer's tokens for an audience; its keys are fetched when first needed."""
        self._issuer = issuer
        self._audience = audience
        self._domain_claim = domain_claim
        self._keys = PyJWKClient(jwks_url, lifespan=KEYS_KEPT_S, timeout=5)

    @classmethod
    def of(cls, settings: Settings) -> "Tokens | None":
        """As the settings say; None where no provider is trusted."""
        issuer, audience, url = (
            settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_url
        )  # fmt: skip
        if not (issuer and audience and url):
            return None
        return cls(issuer, audience, url, settings.oidc_domain_claim)

    def check(self, token: str) -> tuple[str, str, frozenset[str]]:
        """Whose it is, for which domain and for what.

        Raises:
            BadTokenError: it is not to be trusted.
            ConnectionError: the provider's keys cannot be had.
        """
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=CLOCKS_DIFFER_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except PyJWKClientConnectionError as error:
            raise ConnectionError("The keys of the tokens' provider cannot be had.") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise BadTokenError from error
        domain = claims.get(self._domain_claim, DEFAULT_DOMAIN)
        if not isinstance(domain, str):
            raise BadTokenError
        return str(claims["sub"]), domain, _scopes(claims)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """The scopes of ours, from a list or from words in a string."""
    given = claims.get("scope", claims.get("scp", ""))
    words = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    named = [word for word in words if isinstance(word, str) and word.startswith(PREFIX)]
    return frozenset(word.removeprefix(PREFIX) for word in named)
