import base64
import hmac
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voxgate.errors import StoreCorruptError, StoreKeyError, StoreWriteError
from voxgate.store.crypto import KEY_BYTES, Key, Vault, find_key

SECRET = bytes(range(200, 232))
SALT = bytes(16)


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOXGATE_KEY", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "voices.db.key"


@pytest.fixture
def vault() -> Vault:
    return Vault(Key(SECRET, "a test"), SALT)


# keys


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode().rstrip("="),
        f" {SECRET.hex()}\n",
    ],
    ids=["hex", "HEX", "base64", "URL-safe", "no padding", "white space"],
)
def test_a_key_is_read_from_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("VOXGATE_KEY", text)
    assert find_key(None, file, may_make=True).value == SECRET
    assert not file.exists()


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", SECRET.hex()[:-2], SECRET.hex() + "00", "é" * 43, "!" * 43, "ab" * 24],
    ids=["empty", "a word", "31 bytes", "33 bytes", "letters", "signs", "36 bytes"],
)
def test_anything_else_is_refused_and_not_repeated(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("VOXGATE_KEY", text)
    with pytest.raises(StoreKeyError, match="VOXGATE_KEY does not hold 32 bytes") as caught:
        find_key(None, file, may_make=True)
    assert "secrets.token_hex(32)" in str(caught.value)
    assert not text or text not in str(caught.value)
    assert not file.exists()


def test_the_key_given_goes_before_that_of_the_environment_and_that_before_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file = find_key(None, file, may_make=True).value
    assert find_key(None, file, may_make=False).value == in_file
    monkeypatch.setenv("VOXGATE_KEY", SECRET.hex())
    assert find_key(None, file, may_make=False).value == SECRET
    assert find_key(in_file, file, may_make=False).value == in_file


def test_a_given_key_must_be_of_the_right_length(file: Path) -> None:
    with pytest.raises(StoreKeyError, match="has 5 bytes; a key is 32"):
        find_key(b"12345", file, may_make=True)


def test_a_key_file_is_made_once_for_its_owner_only(file: Path) -> None:
    made = find_key(None, file, may_make=True).value
    assert len(made) == KEY_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert find_key(None, file, may_make=True).value == made
    other = file.with_name("other.key")
    assert find_key(None, other, may_make=True).value != made


def test_a_missing_key_file_is_not_made_up_for_a_store_that_has_one(file: Path) -> None:
    with pytest.raises(StoreKeyError, match=r"voices\.db\.key is missing.*or set VOXGATE_KEY"):
        find_key(None, file, may_make=False)
    assert not file.exists()


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_key_file_that_others_can_use_is_refused(file: Path, mode: int) -> None:
    find_key(None, file, may_make=True)
    file.chmod(mode)
    with pytest.raises(StoreKeyError, match=f"run: chmod 600 '{file}'"):
        find_key(None, file, may_make=False)


@pytest.mark.parametrize("content", ["", "not a key", "\xff\xfe", "A" * 5000])
def test_a_damaged_key_file_is_refused(file: Path, content: str) -> None:
    file.write_text(content, encoding="latin-1")
    file.chmod(0o600)
    with pytest.raises(StoreKeyError, match=r"the key file .*voices\.db\.key does not hold"):
        find_key(None, file, may_make=True)
    assert file.read_text(encoding="latin-1") == content


def test_a_key_file_that_is_a_folder_is_refused(file: Path) -> None:
    file.mkdir(mode=0o700)
    with pytest.raises(StoreKeyError, match="cannot be read: is a directory"):
        find_key(None, file, may_make=True)


def test_a_key_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreWriteError, match=r"No key file can be made: .*no such file"):
        find_key(None, tmp_path / "no such folder" / "voices.db.key", may_make=True)


def test_keys_are_not_shown(vault: Vault) -> None:
    for shown in (repr(Key(SECRET, "a test")), str(Key(SECRET, "a test")), repr(vault)):
        assert SECRET.hex() not in shown
        assert repr(SECRET) not in shown
        assert "value" not in shown


# vaults


def test_what_is_sealed_opens_at_its_place_only(vault: Vault) -> None:
    sealed = vault.seal(b"voice", "samples.embedding", "ada", 1, 2.5)
    assert b"voice" not in sealed
    assert vault.open(sealed, "samples.embedding", "ada", 1, 2.5, what="It") == b"voice"
    for place in (
        ("samples.embedding", "bob", 1, 2.5),
        ("samples.facts", "ada", 1, 2.5),
        ("samples.embedding", "ada", 1, 2.5000000000000004),
        ("samples.embedding", "ada", 12, 0.5),
        ("samples.embedding", "ada", 1),
    ):
        with pytest.raises(StoreCorruptError, match=r"^It in the store was altered or is damaged"):
            vault.open(sealed, *place, what="It")


def test_what_was_altered_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(b"voice", "place")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(StoreCorruptError):
            vault.open(bytes(altered), "place", what="It")
    for length in range(len(sealed)):
        with pytest.raises(StoreCorruptError):
            vault.open(sealed[:length], "place", what="It")


def test_the_same_value_is_never_sealed_the_same(vault: Vault) -> None:
    sealed = {vault.seal(b"voice", "place") for _ in range(100)}
    assert len({one[1:13] for one in sealed}) == 100  # nonces
    assert len({one[13:] for one in sealed}) == 100


def test_another_key_or_another_store_opens_nothing(vault: Vault) -> None:
    sealed = vault.seal(b"voice", "place")
    others = [Vault(Key(bytes(32), "a test"), SALT), Vault(Key(SECRET, "a test"), bytes(15) + b"1")]
    for other in others:
        with pytest.raises(StoreCorruptError):
            other.open(sealed, "place", what="It")
        assert other.pseudonym("ada") != vault.pseudonym("ada")
        with pytest.raises(StoreKeyError, match=r"^A test is not the key that this store was made"):
            other.require(vault.check_value)
    again = Vault(Key(SECRET, "a test"), SALT)
    again.require(vault.check_value)
    assert again.open(sealed, "place", what="It") == b"voice"
    assert again.pseudonym("ada") == vault.pseudonym("ada")


def test_values_and_pseudonyms_are_as_documented_for_ever(vault: Vault) -> None:
    def derived(purpose: str) -> bytes:
        info = f"voxgate store 1: {purpose}".encode()
        return HKDF(SHA256(), length=32, salt=SALT, info=info).derive(SECRET)

    sealed = vault.seal(b"voice", "samples.facts", "ada", 1, 2.5)
    assert sealed[:1] == b"\x01"
    place = b"\x01samples.facts\x1fada\x1f1\x1f2.5"
    assert AESGCM(derived("encryption")).decrypt(sealed[1:13], sealed[13:], place) == b"voice"
    assert vault.check_value == derived("check")
    assert vault.pseudonym("ada") == hmac.new(derived("names"), b"ada", "sha256").hexdigest()
