"""Fixtures of the service's tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import tiny_pack as maker
import uvicorn

from voxgate.packs import Pack, load_pack
from voxgate.server.app import create_app
from voxgate.server.keys import new_key
from voxgate.server.service import Service
from voxgate.server.serving import bind
from voxgate.server.settings import read_settings


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A pack that tells synthetic voices apart."""
    return load_pack(maker.write(tmp_path_factory.mktemp("tiny")))


@dataclass
class Running:
    """A service that answers on loopback, in a thread of this process."""

    url: str
    app: Any

    @property
    def service(self) -> Service:
        found: Service = self.app.state.service
        return found

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client, of somebody who has a key or none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=30, trust_env=False, **options
        )

    def key(self, *scopes: str, domain: str = "default") -> str:
        """A new API key."""
        key, text = new_key(frozenset(scopes), domain)
        self.service.store.keys.add(key)
        return text


def running(**settings: Any) -> Iterator[Running]:
    """A service with such settings, by uvicorn, until the generator is closed."""
    listening = bind("127.0.0.1", 0)
    app = create_app(read_settings(**settings))
    serving = uvicorn.Server(uvicorn.Config(app, log_config=None))
    thread = Thread(target=serving.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", app)
    finally:
        serving.should_exit = True
        thread.join(20)
        listening.close()
        app.state.service.store.close()


@pytest.fixture(scope="module")
def service(tiny_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with a store of its own; it asks for keys as soon as a test has made one."""
    folder: Path = tmp_path_factory.mktemp("service")
    store, pack = f"sqlite:///{folder}/voices.db", str(tiny_pack.path)
    yield from running(store=store, pack=pack, ears=1, queue=16)


@pytest.fixture(scope="module")
def admin(service: Running) -> Iterator[httpx.Client]:
    """Somebody who may do everything."""
    with service.client(service.key("admin")) as client:
        yield client
