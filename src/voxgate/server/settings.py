"""All settings of the service, from VOXGATE_* variables or a TOML file, read once."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from voxgate.enrolment import GOOD_ENROLMENT_S
from voxgate.errors import UsageError
from voxgate.packs import DEFAULT_PACK
from voxgate.server.serving import Serving, Tls

PREFIX = "VOXGATE_"
BURST = 6  # recordings that may wait for each worker


class Settings(BaseSettings):
    """What an operator may decide."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Where to listen; 0.0.0.0 is everywhere.")
    port: int = Field(8000, ge=1, le=65_535, description="Which port.")
    processes: int = Field(1, ge=1, le=64, description="Service processes that share the port.")
    ears: int = Field(
        0, ge=0, le=256,
        description="Workers of each service process, which decode and embed; 0: its share of "
        "the cores.",
    )  # fmt: skip
    queue: int | None = Field(
        None, ge=0, description="Recordings that may wait for the workers of a service process in "
        "a burst; further ones get 503. Without it, six for each worker. When the queue is "
        "full, or stands for a second, it is cut to one for each worker until nobody was "
        "refused for a second.",
    )  # fmt: skip
    store: str | None = Field(
        None, description="Where voices are kept, such as sqlite:///voices.db; without it, a file "
        "in the user's data folder.",
    )  # fmt: skip
    key_file: Path | None = Field(
        None, description="A file with the key of the store, 64 hexadecimal digits. Without it "
        "VOXGATE_KEY is the key itself, and without that a SQLite store has a file beside it.",
    )  # fmt: skip
    pack: str = Field(DEFAULT_PACK, description="The model: a pack's name, folder or zip file.")

    far: float = Field(
        0.01, gt=0, lt=1, description="The false-accept rate of decisions, where a request does "
        "not say.",
    )  # fmt: skip
    least_snr_db: float = Field(
        2.0, description="A recording with less speech over noise, in dB, is not compared: its "
        "outcome is low_quality.",
    )  # fmt: skip
    enrolment_speech_s: float = Field(
        GOOD_ENROLMENT_S, gt=0, description="Seconds of speech that a speaker's status asks for."
    )

    largest_body_mb: float = Field(
        25.0, gt=0, description="The largest body of a request, in millions of bytes."
    )
    longest_recording_s: float = Field(
        600.0, gt=0, description="The longest recording, in seconds: what is beyond is never "
        "decoded.",
    )  # fmt: skip
    jobs_folder: Path | None = Field(
        None, description="Where the recordings of batch jobs wait, encrypted; without it, in the "
        "user's data folder.",
    )  # fmt: skip
    largest_upload_mb: float = Field(
        1000.0, gt=0, description="The largest body of a batch job, in millions of bytes."
    )
    rate_a_minute: float = Field(
        0.0, ge=0, description="Requests that one key may send a minute; further ones get 429. "
        "0: as many as it likes.",
    )  # fmt: skip
    rate_burst: int = Field(60, ge=1, description="Of these, how many at once.")

    oidc_issuer: str | None = Field(
        None, description="The OpenID Connect provider whose tokens are taken, as their `iss` says."
    )
    oidc_audience: str | None = Field(None, description="Their `aud`: this service's name there.")
    oidc_jwks_url: str | None = Field(None, description="Where the provider publishes its keys.")
    oidc_domain_claim: str = Field(
        "voxgate_domain", description="The claim that names a token's domain; without it, it is "
        "default.",
    )  # fmt: skip

    tls_certificate: Path | None = Field(
        None, description="A PEM file with the certificate and its chain: TLS is spoken, only."
    )
    tls_key: Path | None = Field(None, description="The PEM file with the certificate's key.")
    tls_key_password: SecretStr | None = Field(None, description="Where the key has one.")
    tls_client_ca: Path | None = Field(
        None, description="A PEM file; clients must show a certificate that this authority signed."
    )
    proxies: str = Field(
        "", description="Addresses whose X-Forwarded-For and -Proto are believed, with commas."
    )

    drain_notice_s: float = Field(
        0.0, ge=0, description="For at least so long new requests get 503 before the service ends."
    )
    drain_longest_s: float = Field(
        30.0, ge=0, description="So long, at most, it finishes what it answers before it ends."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is logged: from this level on."
    )
    log_format: Literal["json", "text"] = Field("json", description="How it is logged.")
    telemetry: bool = Field(
        False, description="Send traces by OpenTelemetry, to where its OTEL_* variables say."
    )

    @property
    def jobs(self) -> Path:
        """The folder of batch jobs, which may not be there yet."""
        return self.jobs_folder or user_data_path("voxgate", appauthor=False) / "jobs"

    @property
    def serving(self) -> Serving:
        """What of it decides how the service is offered.

        Raises:
            UsageError: one of the two TLS files is given without the other.
        """
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise UsageError(
                "TLS needs two files: give both VOXGATE_TLS_CERTIFICATE and VOXGATE_TLS_KEY."
            )
        password = self.tls_key_password
        tls = None
        if self.tls_certificate and self.tls_key:
            secret = password.get_secret_value() if password else None
            tls = Tls(self.tls_certificate, self.tls_key, secret, self.tls_client_ca)
        return Serving(
            host=self.host,
            port=self.port,
            processes=self.processes,
            tls=tls,
            drain_notice_s=self.drain_notice_s,
            drain_longest_s=self.drain_longest_s,
            log_level=self.log_level,
            log_format=self.log_format,
            proxies=self.proxies,
        )

    def check_tokens(self) -> None:
        """See that a provider of tokens is named completely.

        Raises:
            UsageError: it is not.
        """
        named = self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url
        if any(named) and not all(named):
            raise UsageError(
                "A provider of tokens is named by three settings: give VOXGATE_OIDC_ISSUER, "
                "VOXGATE_OIDC_AUDIENCE and VOXGATE_OIDC_JWKS_URL."
            )
        if self.oidc_jwks_url and not self.oidc_jwks_url.startswith(("https://", "http://local")):
            raise UsageError(
                f"VOXGATE_OIDC_JWKS_URL is {self.oidc_jwks_url}; keys are fetched by https:// only."
            )

    @property
    def workers(self) -> int:
        """Workers of each service process: as many as said, or its share of the cores."""
        return self.ears or max(1, (os.cpu_count() or 1) // self.processes)

    @property
    def waiting(self) -> int:
        """Recordings that may wait for the workers."""
        return BURST * self.workers if self.queue is None else self.queue


def read_settings(file: Path | None = None, **given: Any) -> Settings:
    """The settings: what is given goes before the variables, and these before the file.

    Raises:
        UsageError: one has no such name or makes no sense, or the file cannot be read.
    """
    if file is not None and not file.is_file():
        raise UsageError(f"There is no settings file {file}; give the path of a TOML file.")

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            toml = TomlConfigSettingsSource(settings_cls, file) if file else None
            return init_settings, env_settings, *([toml] if toml else [])

    try:
        values = FromFile(**given).model_dump()
        return Settings.model_validate(values)
    except ValidationError as error:
        raise UsageError(_in_words(error)) from None  # its message repeats values
    except ValueError as error:
        raise UsageError(f"{file} is not TOML: {error}.") from error


def _in_words(error: ValidationError) -> str:
    wrong = error.errors(include_url=False, include_input=False)[0]
    name = PREFIX + "_".join(str(part) for part in wrong["loc"]).upper()
    return f"{name}: {wrong['msg']}; 'voxgate serve --settings' lists what there is."


def reference() -> str:
    """All settings as a Markdown table."""
    return "\n".join(["| variable | without it | what |", "|---|---|---|", *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or default == "" else f"`{_as_text(default)}`"
        yield f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
