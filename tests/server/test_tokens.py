"""Tokens of a provider: whose are taken, and for what."""

import time
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from voxgate.server.tokens import BadTokenError, Tokens

ISSUER, AUDIENCE = "https://id.example", "voxgate"
OURS, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def tokens():
    checked = Tokens(ISSUER, AUDIENCE, f"{ISSUER}/keys", "voxgate_domain")
    published = SimpleNamespace(get_signing_key_from_jwt=lambda _: OURS.public_key())
    checked._keys = published  # what would be fetched
    return checked


def token(key=OURS, algorithm="ES256", **claims):
    facts = {"iss": ISSUER, "aud": AUDIENCE, "sub": "someone", "exp": time.time() + 60}
    facts |= claims
    return jwt.encode({k: v for k, v in facts.items() if v is not None}, key, algorithm)


def test_a_token_of_the_provider_tells_domain_and_scopes(tokens):
    given = token(scope="openid voxgate:verify voxgate:enrol", voxgate_domain="acme")
    assert tokens.check(given) == ("someone", "acme", {"verify", "enrol"})
    assert tokens.check(token(scp=["voxgate:admin"])) == ("someone", "default", {"admin"})
    assert tokens.check(token(scope="verify admin"))[2] == frozenset()


@pytest.mark.parametrize(
    "given",
    [
        token(key=OTHER),
        token(aud="another"),
        token(iss="https://evil.example"),
        token(exp=time.time() - 3600),
        token(exp=None),
        token(sub=None),
        token(voxgate_domain=["acme"]),
        token(key="a shared secret of more than 32 bytes", algorithm="HS256"),
        token(key=None, algorithm="none"),
        "no.token.atall",
    ],
)
def test_no_other_token_is_taken(tokens, given):
    with pytest.raises(BadTokenError):
        tokens.check(given)
