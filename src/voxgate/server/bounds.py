"""What a process may use of the machine that reads what strangers send."""

import contextlib
import os

_NICENESS = 10  # over that of the service


def bound(memory_mb: int) -> None:
    """Bound the memory of this process, and let it leave no core file, which would hold audio."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def stand_back() -> None:
    """Let the service have a core first: whoever it answers or refuses should not have to wait."""
    with contextlib.suppress(AttributeError, OSError):  # not on Windows; not allowed
        os.nice(_NICENESS)
