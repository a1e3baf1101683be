"""Who asks on Azure's routes, and for what: the one place where they meet the service."""

from typing import Annotated

from fastapi import Depends

from voxgate.server.auth import Enrolling, Verifying
from voxgate.verify import Verifier


def _enroller(caller: Enrolling) -> Verifier:
    return caller.tenant.verifier


def _prover(caller: Verifying) -> Verifier:
    return caller.tenant.verifier


Enroller = Annotated[Verifier, Depends(_enroller)]  # of a caller who may enrol
Prover = Annotated[Verifier, Depends(_prover)]  # of a caller who may verify
