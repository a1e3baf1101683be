"""The command voxgate, in which comparing a recording named "boom" is a bug."""

from voxgate.audio import name_of
from voxgate.cli import main
from voxgate.verify import Verifier

_compare = Verifier.compare


def compare(self, a, b, **options):
    if "boom" in name_of(a):
        raise RuntimeError("the secret is /etc/secret")
    return _compare(self, a, b, **options)


if __name__ == "__main__":
    Verifier.compare = compare
    main()
