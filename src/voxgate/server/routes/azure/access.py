"""Who asks on Azure's routes, and for what: the one place where they meet the service."""

from typing import Annotated

from fastapi import Depends, Request

from voxgate.server.auth import Enrolling, Verifying
from voxgate.server.judging import Judge
from voxgate.server.routes.common import judge_for
from voxgate.verify import Verifier


def _enroller(caller: Enrolling) -> Verifier:
    return caller.tenant.verifier


def _prover(caller: Verifying) -> Verifier:
    return caller.tenant.verifier


def _judge(request: Request, caller: Verifying) -> Judge:
    return judge_for(caller, request)


Enroller = Annotated[Verifier, Depends(_enroller)]  # that of a caller who may enrol
Prover = Annotated[Verifier, Depends(_prover)]  # that of a caller who may verify
Judging = Annotated[Judge, Depends(_judge)]
