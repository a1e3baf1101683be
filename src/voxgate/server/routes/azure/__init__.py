"""Routes that clients of the retired Azure AI Speaker Recognition can go on using."""

from typing import get_args

from fastapi import APIRouter

from voxgate.server.routes.azure.handlers import Handlers
from voxgate.server.routes.azure.versions import V2, V2021, Family

router = APIRouter()
for _version in (V2, V2021):
    for _family in get_args(Family):
        router.include_router(Handlers(_version, _family).router())
