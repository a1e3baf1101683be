"""What the routes work with: the settings, the store, the workers, and what is told of them."""

from pathlib import Path

from voxgate.embed import Listener
from voxgate.errors import StoreError, UsageError
from voxgate.packs import load_pack
from voxgate.server.drain import Drain
from voxgate.server.ears import Ears
from voxgate.server.metrics import Metrics
from voxgate.server.settings import Settings
from voxgate.store import open_store
from voxgate.verify import Verifier


class Service:
    """Opened when a service process starts, closed when it ends. Threads share it."""

    def __init__(self, settings: Settings, drain: Drain) -> None:
        """Load the model and open the store.

        Raises:
            VoxgateError: the pack or the store is missing or unsound.
        """
        self.settings = settings
        self.drain = drain
        self.metrics = Metrics()
        pack = load_pack(settings.pack)
        self.metrics.model(pack)
        self.store = open_store(settings.store, key=_key(settings.key_file))
        self.ears = Ears(
            pack,
            workers=settings.workers,
            waiting=settings.waiting,
            longest_s=settings.longest_recording_s,
        )
        listener: Listener = self.metrics.listening(self.ears)
        self.verifier = Verifier(self.store, pack=pack, embedder=listener)

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


def _key(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The key file {file} cannot be read as 64 hexadecimal digits; give one that can."
        ) from error
