"""One Verifier for each pack, all over one store."""

from dataclasses import replace

import pytest
import tiny_pack

from voxgate.errors import PackNotFoundError
from voxgate.packs import load_pack
from voxgate.ui.desk import Desk
from voxgate.verify import Verifier


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return load_pack(tiny_pack.write(tmp_path_factory.mktemp("pack") / "tiny"))


@pytest.fixture
def desk(pack):
    return Desk(Verifier("memory:", pack=pack), [replace(pack, version="2"), pack])


def test_the_pack_in_use_comes_first_and_none_twice(desk):
    assert desk.packs == ["tiny@1", "tiny@2"]


def test_each_pack_has_its_verifier_over_the_same_store(desk):
    first, second = desk.verifier("tiny@1"), desk.verifier("tiny@2")
    assert (first.pack.id, second.pack.id) == ("tiny@1", "tiny@2")
    assert first.store is second.store
    assert desk.verifier("tiny@2") is second


def test_a_pack_that_is_not_on_the_page_is_refused_by_name(desk):
    with pytest.raises(PackNotFoundError, match=r"'nothing@1'.*tiny@1, tiny@2"):
        desk.verifier("nothing@1")
