"""Ctrl-C that waits until a piece of work is whole."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_noted() -> Iterator[list[int]]:
    """Let Ctrl-C fill the list that is given; the second one interrupts at once.

    A KeyboardInterrupt would leave a step half done, and is lost where it falls into a callback of
    a decoder written in C. Outside the main thread, where Ctrl-C does not come, nothing is noted.
    """
    noted: list[int] = []

    def note(number: int, frame: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        before = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread
        yield noted
        return
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
