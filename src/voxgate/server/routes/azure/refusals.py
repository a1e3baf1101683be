"""Errors as Azure had them: a status, a code that programs read, and a sentence."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

CODES = {  # of a status, where nothing more exact is said
    400: "InvalidRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "InvalidRequest",
    415: "UnsupportedMediaType",
    429: "RateLimit",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class Refused(Exception):  # noqa: N818 - it is no error of the library
    """A request that is answered with an error of Azure's."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say what is wrong.

        Args:
            status: of HTTP.
            message: one sentence.
            code: without it, that of the status.
            headers: more of them, such as Retry-After.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or CODES.get(status) or CODES[400 if status < 500 else 500]
        self.headers = dict(headers or {})

    def response(self) -> Response:
        content = {"error": {"code": self.code, "message": self.message}}
        return JSONResponse(content, self.status, {**self.headers, "x-ms-error-code": self.code})


def no_such_profile(profile_id: str) -> Refused:
    """404: there is none, or it is of the other family."""
    return Refused(404, f"Profile {profile_id} does not exist. Check the profileId.")


def not_enrolled(profile_id: str, remaining_s: float) -> Refused:
    """400: too little was enrolled to compare anything with."""
    return Refused(
        400,
        f"Profile {profile_id} is not enrolled: it lacks {remaining_s:g} s of speech. Add "
        "enrollments first.",
    )
