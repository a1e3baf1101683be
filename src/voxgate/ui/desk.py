"""What the pages work with: a Verifier for each pack, all over one store."""

from collections.abc import Sequence

from voxgate.errors import PackNotFoundError
from voxgate.packs import Pack
from voxgate.ui.takes import Takes
from voxgate.verify import Verifier


class Desk:
    """Hands out the Verifier of the pack that a visitor has chosen."""

    def __init__(self, verifier: Verifier, packs: Sequence[Pack] = ()) -> None:
        self.takes = Takes()
        self._first = verifier
        self._packs = {pack.label: pack for pack in packs} | {verifier.pack.label: verifier.pack}
        self._verifiers = {verifier.pack.label: verifier}

    @property
    def packs(self) -> list[str]:
        """Labels of the packs there are, the one in use from the start first."""
        first = self._first.pack.label
        return [first, *sorted(label for label in self._packs if label != first)]

    def verifier(self, pack: str) -> Verifier:
        """The Verifier with this pack.

        Raises:
            PackNotFoundError: there is none of that label here.
        """
        if pack not in self._packs:
            raise PackNotFoundError(
                f"There is no pack {pack!r} on this page; there are {', '.join(self.packs)}."
            )
        if pack not in self._verifiers:
            first = self._first
            chosen = Verifier(first.store, pack=self._packs[pack], policy=first.policy)
            self._verifiers[pack] = chosen
        return self._verifiers[pack]

    def names(self, pack: str) -> list[str]:
        """Who is enrolled with this pack, by name."""
        id_ = self.verifier(pack).pack.id
        return [speaker.name for speaker in self._first.store.speakers() if id_ in speaker.packs]

    def everybody(self) -> list[str]:
        """Who is enrolled with any pack, by name."""
        return [speaker.name for speaker in self._first.store.speakers()]
