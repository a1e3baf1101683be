"""The command voxgate, in which comparing a recording named "boom" is a bug.

It also tells of every connection that it would make to another machine.
"""

import sys

from voxgate.audio import name_of
from voxgate.cli import main
from voxgate.verify import Verifier

_compare = Verifier.compare
_HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "")  # noqa: S104 - nobody is let in


def compare(self, a, b, **options):
    if "boom" in name_of(a):
        raise RuntimeError("the secret is /etc/secret")
    return _compare(self, a, b, **options)


def watch(event: str, facts: tuple) -> None:
    if event == "socket.getaddrinfo":
        host = facts[0]
    elif event == "socket.connect" and isinstance(facts[1], tuple):
        host = facts[1][0]
    else:
        return
    if host and str(host) not in _HERE:
        print(f"FOREIGN {event} {host}", flush=True)  # noqa: T201 - what it is for


if __name__ == "__main__":
    sys.addaudithook(watch)
    Verifier.compare = compare
    main()
