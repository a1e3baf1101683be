"""Who asks on Azure's routes, and for what: the one place where they meet the service."""

from typing import Annotated

from fastapi import Depends, Request

from voxgate.server.service import Service
from voxgate.verify import Verifier


def _verifier(request: Request) -> Verifier:
    service: Service = request.app.state.service
    return service.verifier


Enroller = Annotated[Verifier, Depends(_verifier)]  # of a caller who may enrol
Prover = Annotated[Verifier, Depends(_verifier)]  # of a caller who may verify
