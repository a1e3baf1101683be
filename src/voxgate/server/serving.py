"""One service process: uvicorn, with a drain before it ends and certificates read again."""

import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from voxgate.errors import UsageError
from voxgate.server import logs
from voxgate.server.drain import Drain

BACKLOG = 2048
KEEP_ALIVE_S = 75  # longer than a proxy's, which must not be the one to be surprised
MOST_MESSAGE = 131_072  # bytes of one from a WebSocket; no frame of sound is so long
MOST_MESSAGES = 8  # that wait of a WebSocket, before its client is slowed down
CUT_OFF_S = 2  # for answers under way when waiting for them is over
CUT_OFF = 1  # the exit status where some were not finished

log = logging.getLogger("voxgate.serving")

MakeApp = Callable[[Drain], ASGIApp]  # in each process anew; it must be possible to pickle it


@dataclass(frozen=True)
class Tls:
    """With what the service proves who it is, and whom it asks for a proof."""

    certificate: Path  # PEM, the chain included
    key: Path
    key_password: str | None = None
    client_ca: Path | None = None  # clients must show a certificate that this one signed

    def check(self) -> None:
        """Read the files as the service will.

        Raises:
            UsageError: one of them is missing or of no use, or they do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, lambda: self.key_password or "")
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(
                str(path) for path in (self.certificate, self.key, self.client_ca) if path
            )
            raise UsageError(
                f"TLS cannot be spoken with {files}: {error.strerror or 'not PEM'}; give a "
                "certificate and its key as PEM files that the service may read."
            ) from error


@dataclass(frozen=True)
class Serving:
    """How the service is offered: where, by how many processes, and how it ends."""

    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 1
    tls: Tls | None = None
    drain_notice_s: float = 0.0
    drain_longest_s: float = 30.0
    log_level: str = "info"
    log_format: logs.Format = "json"
    proxies: str = ""  # addresses whose X-Forwarded-* are believed, separated by commas


def bind(host: str, port: int) -> socket.socket:
    """A listening socket for that address, which several processes may share.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise UsageError(
            f"{host}:{port} cannot be listened at ({error.strerror}); choose another --port or "
            "--host."
        ) from error
    opened.set_inheritable(True)
    return opened


def server(make_app: MakeApp, serving: Serving) -> uvicorn.Server:
    """What answers on a socket, when it is run, until a signal ends it."""
    logs.configure(serving.log_level, serving.log_format)
    drain = Drain(notice_s=serving.drain_notice_s, longest_s=serving.drain_longest_s)
    config = _config(make_app(drain), serving)
    config.load()
    return _Server(config, drain, serving.tls)


def _config(app: ASGIApp, serving: Serving) -> uvicorn.Config:
    tls = serving.tls
    client_ca = tls.client_ca if tls else None
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # its lines repeat paths
        server_header=False,
        proxy_headers=bool(serving.proxies),
        forwarded_allow_ips=serving.proxies or None,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws_max_size=MOST_MESSAGE,
        ws_max_queue=MOST_MESSAGES,
        timeout_graceful_shutdown=CUT_OFF_S,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_keyfile_password=tls.key_password if tls else None,
        ssl_ca_certs=str(client_ca) if client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE,
    )


class _Server(uvicorn.Server):
    """Ends when the drain is over; reads its certificate again on SIGHUP."""

    def __init__(self, config: uvicorn.Config, drain: Drain, tls: Tls | None) -> None:
        super().__init__(config)
        self._drain = drain
        self._tls = tls
        self._told = False
        self._renew = False

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._on_hangup)
        super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; only a second Ctrl-C does not wait."""
        if self._drain.started and sig == signal.SIGINT:
            self.should_exit = self.force_exit = True
        self._drain.start()

    async def on_tick(self, counter: int) -> bool:
        if self._renew:
            self._renew = False
            self._read_certificate()
        if self._drain.started and not self._told:
            self._told = True
            facts = {"pid": os.getpid(), "in_flight": self._drain.in_flight}
            log.info("draining", extra=facts)
        if self._drain.over:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        left = self._drain.in_flight
        await super().shutdown(sockets)
        if left:
            log.error("ended with requests unanswered", extra={"in_flight": left})
            logging.shutdown()
            os._exit(CUT_OFF)  # their threads would be waited for

    def _on_hangup(self, sig: int, frame: FrameType | None) -> None:
        self._renew = True

    def _read_certificate(self) -> None:
        """Show the certificate that is in the files now to whoever connects from now on."""
        context, tls = self.config.ssl, self._tls
        if context is None or tls is None:
            return
        try:
            context.load_cert_chain(tls.certificate, tls.key, tls.key_password)
        except (OSError, ssl.SSLError):
            log.exception("the new certificate cannot be used; the old one stays")
        else:
            log.info("certificate read again")
