"""What each of Azure's routes does, for one version and one family."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from voxgate.server.routes.azure.access import Enroller, Judging, Prover
from voxgate.server.routes.azure.bodies import read_locale, read_recording
from voxgate.server.routes.azure.profiles import MOST_CANDIDATES, Profiles
from voxgate.server.routes.azure.refusals import Refused
from voxgate.server.routes.azure.responses import AzureRoute, documented
from voxgate.server.routes.azure.versions import Family, Version, identification, recognition

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAGE, LONGEST_PAGE = 100, 500
RANKED = 5
PROFILE = "/profiles/{profile_id}"

Recording = Annotated[bytes, Depends(read_recording)]
Waive = Annotated[bool, Query(alias="ignoreMinLength")]


class Handlers:
    """The routes of one version and one family, as methods."""

    def __init__(self, version: Version, family: Family) -> None:
        self._version = version
        self._family: Family = family

    def router(self) -> APIRouter:
        """All of them, at their paths."""
        version, family = self._version, self._family
        router = APIRouter(
            prefix=version.path(family),
            route_class=AzureRoute,
            tags=[f"Azure {version.name}: {family}"],
            dependencies=[Depends(self.check_version)],
        )
        routes: list[tuple[str, str, Callable[..., Any], int]] = [
            ("POST", "/profiles", self.create, 201),
            ("GET", "/profiles", self.page, 200),
            ("GET", PROFILE, self.find, 200),
            ("DELETE", PROFILE, self.delete, 204),
            ("POST", f"{PROFILE}{version.action}reset", self.reset, version.reset_status),
            ("POST", f"{PROFILE}/enrollments", self.enrol, 201),
        ]
        if family == "verification":
            routes.append(("POST", f"{PROFILE}{version.action}verify", self.verify, 200))
        else:
            path = f"/profiles{version.action}identifySingleSpeaker"
            routes.append(("POST", path, self.identify, 200))
        for method, path, handler, status in routes:
            router.add_api_route(
                path,
                handler,
                methods=[method],
                status_code=status,
                responses=documented(version, handler.__name__),
                response_model=None,
                operation_id=f"azure_{version.name}_{family}_{handler.__name__}",
            )
        return router

    def check_version(
        self, api_version: Annotated[str | None, Query(alias="api-version")] = None
    ) -> None:
        """Refuse a version that these paths do not have."""
        expected = self._version.api_version
        if expected is not None and api_version != expected:
            raise Refused(
                400,
                f"Invalid api-version {api_version or '(none)'!r}. Supported is {expected}.",
                code="InvalidArgument",
            )

    def create(
        self,
        request: Request,
        response: Response,
        verifier: Enroller,
        locale: Annotated[str, Depends(read_locale)],
    ) -> dict[str, Any]:
        """Create a voice profile."""
        made = Profiles(verifier, self._family).create(locale)
        response.headers["Location"] = f"{request.url.replace(query='')}/{made.id}"
        return self._version.profile(made)

    def page(self, request: Request, verifier: Prover) -> dict[str, Any]:
        """List voice profiles, sorted by profileId."""
        names, given = self._version, request.query_params
        after = _token(given.get(names.token), names.token)
        size = _size(given.get(names.page_size), names.page_size)
        profiles, last = Profiles(verifier, self._family).page(after, size)
        link = request.url.include_query_params(**{names.token: last}) if last else None
        return self._version.page(profiles, str(link) if link else None)

    def find(self, verifier: Prover, profile_id: str) -> dict[str, Any]:
        """Retrieve one voice profile."""
        return self._version.profile(Profiles(verifier, self._family).find(profile_id))

    def delete(self, verifier: Enroller, profile_id: str) -> None:
        """Delete a voice profile and its voice for good."""
        Profiles(verifier, self._family).delete(profile_id)

    def reset(self, verifier: Enroller, profile_id: str) -> dict[str, Any] | None:
        """Delete the enrollments of a voice profile, which stays."""
        profile = Profiles(verifier, self._family).reset(profile_id)
        return self._version.profile(profile) if self._version.reset_status == 200 else None

    def enrol(
        self, verifier: Enroller, profile_id: str, recording: Recording, waive: Waive = False
    ) -> dict[str, Any]:
        """Add an enrollment to a voice profile."""
        profiles = Profiles(verifier, self._family)
        return self._version.enrolment(*profiles.enrol(profile_id, recording, waive=waive))

    def verify(
        self,
        verifier: Prover,
        judge: Judging,
        profile_id: str,
        recording: Recording,
        waive: Waive = False,
    ) -> dict[str, Any]:
        """Verify that a recording is of the voice of a profile."""
        profiles = Profiles(verifier, self._family)
        speaker, heard = profiles.claim(profile_id, recording, waive=waive)
        return recognition(_decided(judge.verify(speaker, heard, None)))

    def identify(
        self,
        verifier: Prover,
        judge: Judging,
        recording: Recording,
        profile_ids: Annotated[str, Query(alias="profileIds")],
        waive: Waive = False,
    ) -> dict[str, Any]:
        """Identify whose voice of some profiles a recording is."""
        candidates = [one.strip() for one in profile_ids.split(",") if one.strip()]
        if not 1 <= len(candidates) <= MOST_CANDIDATES:
            raise Refused(
                400,
                f"Invalid profileIds: {len(candidates)} profiles. From 1 to {MOST_CANDIDATES} are "
                "allowed.",
                code="InvalidArgument",
            )
        profiles = Profiles(verifier, self._family)
        among, heard = profiles.search(candidates, recording, waive=waive)
        found = judge.identify(heard, top=RANKED, far=None, among=among, group=None)
        return identification(_decided(found))


def _decided(found: dict[str, Any]) -> dict[str, Any]:
    """A decision for which something was compared, or a 400 that says why nothing was."""
    if found["outcome"] not in ("accept", "reject"):
        raise Refused(400, found["sentence"])
    return found


def _token(given: str | None, name: str) -> str | None:
    """After which profile the page is to start."""
    if given is None or GUID.fullmatch(given):
        return given
    raise Refused(
        400,
        f"Invalid {name} value. {name} must be generated from a prior API call.",
        code="InvalidArgument",
    )


def _size(given: str | None, name: str) -> int:
    """How many profiles a page is to have."""
    if given is None:
        return PAGE
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= LONGEST_PAGE):
        raise Refused(
            400,
            f"Invalid {name} parameter value. Value should be a positive integer in the range "
            f"[1, {LONGEST_PAGE}].",
            code="InvalidArgument",
        )
    return int(given)
