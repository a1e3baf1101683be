"""What the routes work with: the settings, the store, the workers, and what is told of them."""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache

from voxgate.audio import Source
from voxgate.embed import Embedding, Listener
from voxgate.errors import StoreError, TooLittleSpeechError, UsageError, VoxgateError
from voxgate.hosts import is_loopback
from voxgate.packs import load_pack
from voxgate.scoring import FalseAcceptRate
from voxgate.server.drain import Drain
from voxgate.server.ears import Ears
from voxgate.server.keys import is_valid, store_key
from voxgate.server.limits import Rate
from voxgate.server.metrics import Metrics
from voxgate.server.settings import Settings
from voxgate.server.tokens import Tokens
from voxgate.store import DEFAULT_DOMAIN, Store, open_store
from voxgate.verify import Verifier

MOST_TENANTS = 256  # whose voices are kept in memory for searches


@dataclass(frozen=True)
class Tenant:
    """One domain: its speakers, and the fraudsters known to it."""

    domain: str
    verifier: Verifier
    watch: Verifier

    @property
    def store(self) -> Store:
        """Its speakers."""
        return self.verifier.store


class Service:
    """Opened when a service process starts, closed when it ends. Threads share it."""

    def __init__(self, settings: Settings, drain: Drain) -> None:
        """Load the model and open the store.

        Raises:
            VoxgateError: the pack or the store is missing or unsound; or it would be open to
                other machines, while there are no keys.
        """
        settings.check_tokens()
        self.settings = settings
        self.drain = drain
        self.metrics = Metrics()
        self.pack = load_pack(settings.pack)
        self.metrics.model(self.pack)
        self.store = open_store(settings.store, key=store_key(settings.key_file))
        _require_access(settings, self.store)
        self.tokens = Tokens.of(settings)
        self.rate = Rate(settings.rate_a_minute, settings.rate_burst)
        self.ears = Ears(
            self.pack,
            workers=settings.workers,
            waiting=settings.waiting,
            longest_s=settings.longest_recording_s,
        )
        self.listener: Listener = self.metrics.listening(_WithNames(self.ears))
        self._policy = FalseAcceptRate(settings.far)
        self.tenant = lru_cache(MOST_TENANTS)(self._tenant)

    @property
    def verifier(self) -> Verifier:
        """That of the default domain."""
        return self.tenant(DEFAULT_DOMAIN).verifier

    def close(self) -> None:
        """End the workers."""
        self.ears.close()

    def not_ready(self) -> str | None:
        """Why requests should go elsewhere, or None."""
        if self.drain.started:
            return "draining"
        if not self.ears.ready:
            return "workers"
        try:
            self.store.revision()
        except StoreError:
            return "store"
        return None

    def _tenant(self, domain: str) -> Tenant:
        store = self.store.within(domain)
        return Tenant(domain, self._verifier(store), self._verifier(store.fraudsters()))

    def _verifier(self, store: Store) -> Verifier:
        return Verifier(store, pack=self.pack, policy=self._policy, embedder=self.listener)


def check_access(settings: Settings) -> None:
    """As starting a service does, but sooner.

    Raises:
        UsageError: it would be open to other machines, while there are no keys.
        StoreError: there is no store to look for them in.
    """
    settings.check_tokens()
    if not is_loopback(settings.host) and not settings.oidc_issuer:
        with closing(open_store(settings.store, key=store_key(settings.key_file))) as store:
            _require_access(settings, store)


def _require_access(settings: Settings, store: Store) -> None:
    """Refuse to be open to other machines while nobody needs to say who they are."""
    if is_loopback(settings.host) or settings.oidc_issuer or any(map(is_valid, store.keys.list())):
        return
    raise UsageError(
        f"{settings.host} is open to other machines, but there are no API keys. Make one with "
        "'voxgate keys new --scope admin', or name a provider of tokens with VOXGATE_OIDC_ISSUER."
    )


class _WithNames:
    """A listener whose recordings come with names, which the workers are not told."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def embed(self, source: Source) -> Embedding:
        name = getattr(source, "name", "recording")
        try:
            return replace(self._listener.embed(source), name=name)
        except TooLittleSpeechError as error:
            raise TooLittleSpeechError(name, error.found_s, error.needed_s) from None
        except VoxgateError as error:
            message = str(error)
            if message.startswith("bytes:"):
                error.args = (name + message.removeprefix("bytes"), *error.args[1:])
            raise
