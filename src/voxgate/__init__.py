"""Verify speakers by voice: is this really their voice, and how sure can we be?

    from voxgate import Verifier

    decision = Verifier().compare("a.wav", "b.m4a")
    print(decision.sentence())

The names below are loaded at their first use, so that `import voxgate` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxgate.audio import Source as Source
    from voxgate.audio import load as load
    from voxgate.decision import Candidate as Candidate
    from voxgate.decision import Decision as Decision
    from voxgate.decision import Identification as Identification
    from voxgate.decision import Outcome as Outcome
    from voxgate.decision import Ranking as Ranking
    from voxgate.embed import Embedder as Embedder
    from voxgate.embed import Embedding as Embedding
    from voxgate.enrolment import Enrolment as Enrolment
    from voxgate.errors import VoxgateError as VoxgateError
    from voxgate.packs import Pack as Pack
    from voxgate.packs import installed as installed
    from voxgate.packs import load_pack as load_pack
    from voxgate.scoring import Costs as Costs
    from voxgate.scoring import FalseAcceptRate as FalseAcceptRate
    from voxgate.store import open_store as open_store
    from voxgate.streaming import Conversation as Conversation
    from voxgate.verify import Verifier as Verifier

__version__ = "0.1.0"

_HOMES = {  # public name -> module that defines it
    "Candidate": "voxgate.decision",
    "Conversation": "voxgate.streaming",
    "Costs": "voxgate.scoring",
    "Decision": "voxgate.decision",
    "Embedder": "voxgate.embed",
    "Embedding": "voxgate.embed",
    "Enrolment": "voxgate.enrolment",
    "FalseAcceptRate": "voxgate.scoring",
    "Identification": "voxgate.decision",
    "Outcome": "voxgate.decision",
    "Pack": "voxgate.packs",
    "Ranking": "voxgate.decision",
    "Source": "voxgate.audio",
    "Verifier": "voxgate.verify",
    "VoxgateError": "voxgate.errors",
    "installed": "voxgate.packs",
    "load": "voxgate.audio",
    "load_pack": "voxgate.packs",
    "open_store": "voxgate.store",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - each name is written once


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxgate' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
