import hashlib
import io
import zipfile

import numpy as np
import pytest
import tiny_pack

from voxgate import packs
from voxgate.errors import PackError, PackNotFoundError, PackTamperedError
from voxgate.packs import DEFAULT_PACK, PACKS, installed, load_pack


@pytest.fixture
def folder(tmp_path):
    return tiny_pack.write(tmp_path / "tiny")


def edit(folder, old, new):
    toml = folder / "pack.toml"
    text = toml.read_text()
    assert text.count(old) == 1
    toml.write_text(text.replace(old, new))


def zipped(folder, *, inside=""):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, inside + file.name)
    return path


def replace_cohort(folder, content):
    """Put another cohort into the pack, with the SHA-256 that it has."""
    old = hashlib.sha256((folder / "cohort.npy").read_bytes()).hexdigest()
    (folder / "cohort.npy").write_bytes(content)
    edit(folder, old, hashlib.sha256(content).hexdigest())


def array_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


# what a pack says


def test_a_pack_says_its_facts(folder):
    pack = load_pack(folder)
    assert pack.id == "tiny@1"
    assert (pack.dim, pack.sample_rate_hz) == (24, 16_000)
    assert (pack.min_speech_s, pack.max_window_s) == (0.5, 3.0)
    assert pack.license == "Apache-2.0"
    assert pack.training_data == ("synthetic voices",)
    assert pack.metrics == {"synthetic": {"eer": 1.0}}
    assert pack.calibration.speech_s == (0.5, 8.0)
    assert pack.false_accepts.far == [0.1, 0.01, 0.001]


def test_the_cohort_is_read_once_and_in_single_precision(folder):
    pack = load_pack(str(folder))
    cohort = pack.cohort()
    assert cohort.embeddings.shape == (len(tiny_pack.VOICES), 24)
    assert cohort.embeddings.dtype == np.float32
    assert cohort.nearest == 24
    assert pack.cohort() is cohort


@pytest.mark.parametrize("inside", ["", "tiny/"])
def test_a_zip_is_as_good_as_a_folder(folder, inside):
    path = zipped(folder, inside=inside)
    pack = load_pack(path)
    assert pack.path == path
    assert pack.read("model.onnx") == (folder / "model.onnx").read_bytes()
    assert (pack.cohort().embeddings == load_pack(folder).cohort().embeddings).all()


# what is built in


def test_the_default_pack_is_built_in():
    assert DEFAULT_PACK in PACKS


def test_built_in_packs_are_found_by_name_and_listed(folder, monkeypatch):
    monkeypatch.setattr(packs, "PACKS", {"small": str(folder)})  # an absolute path stays itself
    assert load_pack("small").path == folder
    assert [pack.id for pack in installed()] == ["tiny@1"]


def test_an_unknown_name_lists_the_known(tmp_path):
    with pytest.raises(PackNotFoundError, match=f"no pack 'ecappa'.*{DEFAULT_PACK}"):
        load_pack("ecappa")
    with pytest.raises(PackNotFoundError, match="nowhere"):
        load_pack(tmp_path / "nowhere")


# what is refused


@pytest.mark.parametrize("name", ["model.onnx", "cohort.npy"])
def test_a_tampered_file_is_refused(folder, name):
    with (folder / name).open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        last = file.read(1)[0]
        file.seek(-1, io.SEEK_END)
        file.write(bytes([last ^ 1]))
    pack = load_pack(folder)
    with pytest.raises(PackTamperedError, match="SHA-256") as caught:
        pack.read(name)
    assert caught.value.path == folder / name


@pytest.mark.parametrize("name", ["pack.toml", "model.onnx", "cohort.npy"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    for path in (folder, zipped(folder)):
        with pytest.raises(PackError, match=f"no {name}"):
            load_pack(path).read(name)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("dim = 24", "", r"\[pack\] lacks dim"),
        ("dim = 24", "dims = 24", r"\[pack\] lacks dim"),
        ("dim = 24", "dim = 24\nwindow = 3", r"\[pack\] has the unknown window; known: name"),
        ("dim = 24", 'dim = "24"', r"\[pack\] dim is not a whole number"),
        ("dim = 24", "dim = 24.0", r"\[pack\] dim is not a whole number"),
        ("dim = 24", "dim = true", r"\[pack\] dim is not a whole number"),
        ("dim = 24", "dim = 0", "dim is 0"),
        ('name = "tiny"', 'name = "../tiny"', "name"),
        ('name = "tiny"', 'name = " "', "name is not a text"),
        ("sample_rate_hz = 16000", "sample_rate_hz = 8000", "sample_rate_hz is 8000"),
        ("min_speech_s = 0.5", "min_speech_s = 0", "min_speech_s 0"),
        ("min_speech_s = 0.5", "min_speech_s = nan", "min_speech_s nan"),
        ("min_speech_s = 0.5", "min_speech_s = 4", "min_speech_s 4"),
        ("max_window_s = 3.0", "max_window_s = inf", "max_window_s inf"),
        ('["synthetic voices"]', '"synthetic voices"', "training_data is not a list of texts"),
        ('"model.onnx" =', '"model.bin" =', r"\[files\] lacks model.onnx"),
        ('"model.onnx" = "', '"model.onnx" = "0', "SHA-256 of 64"),
        ("[files]", '[files]\n"../x" = ""', r"'\.\./x' is not a plain file name"),
        ("[files]", '[files]\n"/etc/passwd" = ""', "is not a plain file name"),
        ("[files]", "[files]\n'a\\b' = ''", "is not a plain file name"),
        ("[files]", '[files]\n".." = ""', "is not a plain file name"),
        ("nearest = 24", "nearest = 2.5", "nearest is not a whole number"),
        ("slope = [4.0, 0.3]", "slope = [4.0]", "slope .* two or three finite numbers"),
        ("slope = [4.0, 0.3]", "slope = 4", "slope is not a list of numbers"),
        ("speech_s = [0.5, 8.0]", "speech_s = [0.5]", "speech_s is not a pair of numbers"),
        ("slope = [4.0, 0.3]", "slope = [-4.0, 0.3]", "fall"),
        ("far = [0.1, 0.01, 0.001]", 'far = ["often"]', "far is not a list of numbers"),
        ("far = [0.1, 0.01, 0.001]", "far = [0.1, 0.01]", "thresholds has rows"),
        ("pairs = [[", "pairs = [1, [", "pairs is not a list of rows"),
        ("eer = 1.0", 'eer = "good"', r"\[metrics.synthetic\] is not a table of numbers"),
        ("[metrics.synthetic]\neer = 1.0", "[metrics]\neer = 1.0", r"\[metrics.eer\]"),
        ("[metrics.synthetic]\neer = 1.0", "", "the file lacks metrics"),
        ("[cohort]", "[kohort]", "the file lacks cohort"),
        ("[cohort]", "[extra]\n[cohort]", "the file has the unknown extra"),
        ("[cohort]", "[cohort", "not valid TOML"),
    ],
)
def test_a_pack_toml_that_makes_no_sense_is_one_clear_error(folder, old, new, problem):
    edit(folder, old, new)
    with pytest.raises(PackError, match=problem) as caught:
        load_pack(folder)
    assert str(folder / "pack.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pack_toml_that_is_no_text_is_refused(folder):
    (folder / "pack.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PackError, match="not valid TOML"):
        load_pack(folder)


@pytest.mark.parametrize(
    ("cohort", "problem"),
    [
        (b"", "not a NumPy array"),
        (b"not an array", "not a NumPy array"),
        (array_bytes(np.array([{}])), "not a NumPy array"),  # a pickle
        (array_bytes(np.ones((40, 23), np.float16)), r"shape \(40, 23\); .*\(size, 24\)"),
        (array_bytes(np.ones(24, np.float16)), "shape"),
        (array_bytes(np.ones((40, 24), np.int16)), "int16"),
        (array_bytes(np.ones((23, 24), np.float16)), "nearest=24"),
        (array_bytes(np.full((40, 24), np.nan, np.float16)), "no direction"),
    ],
)
def test_a_cohort_of_another_form_is_refused(folder, cohort, problem):
    replace_cohort(folder, cohort)
    with pytest.raises(PackError, match=problem):
        load_pack(folder).cohort()


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "pack.zip"
    path.write_text("hello")
    with pytest.raises(PackError, match="cannot be read"):
        load_pack(path)


def test_a_damaged_zip_is_refused(folder):
    path = zipped(folder)
    content = bytearray(path.read_bytes())
    start = content.index((folder / "cohort.npy").read_bytes())
    content[start + 200] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackError, match="cannot be read"):
        load_pack(path).cohort()


def test_a_zip_that_expands_without_bounds_is_refused(folder, monkeypatch):
    monkeypatch.setattr(packs, "_LARGEST_FILE_BYTES", 10)
    with pytest.raises(PackError, match="expands to"):
        load_pack(zipped(folder))
