"""What an installation without extras weighs on the disk.

    python benchmarks/install_size.py

Makes a fresh environment in a temporary folder, installs this folder's voxgate into it, and
adds up the files that came with it, bytecode included, in MiB as `du` does; pip itself does not
count.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from limits import Figure, conclude

ROOT = Path(__file__).parents[1]
LIMIT_MIB = 350.0
UNWANTED = {"torch", "torchaudio", "torchvision", "tensorflow"}
LISTED = 8  # of the biggest


def main() -> None:
    """Install it, weigh it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--what", default=str(ROOT), help="what to install: a folder or a wheel")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        packages = site_packages(python)
        before = weigh(packages)
        install = [str(python), "-m", "pip", "install", "--quiet", options.what]
        subprocess.run(install, check=True)
        after = weigh(packages)
        if unwanted := UNWANTED & installed(python):
            raise SystemExit(f"Without extras it installs {', '.join(sorted(unwanted))}.")
    print(f"pip install {options.what}, Python {sys.version.split()[0]}, {sys.platform}")
    added = {name: size_mib - before.get(name, 0) for name, size_mib in after.items()}
    for name in sorted(added, key=added.__getitem__, reverse=True)[:LISTED]:
        print(f"  {name:24} {added[name]:6.1f} MiB")
    total_mib = sum(added.values())
    print(f"  in all {total_mib * 2**20 / 1e6:,.0f} million bytes")
    conclude([Figure("installed size, no extras", total_mib, "MiB", limit=LIMIT_MIB)])


def site_packages(python: Path) -> Path:
    """Where that interpreter keeps packages."""
    code = "import sysconfig; print(sysconfig.get_path('platlib'))"
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip())


def installed(python: Path) -> set[str]:
    """The names of the packages there."""
    listing = [str(python), "-m", "pip", "list", "--format", "json"]
    found = subprocess.run(listing, check=True, capture_output=True, text=True)
    return {package["name"].lower() for package in json.loads(found.stdout)}


def weigh(packages: Path) -> dict[str, float]:
    """MiB by package: the size of its files, its shared libraries (NAME.libs) with it."""
    sizes: dict[str, float] = defaultdict(float)
    for path in packages.rglob("*"):
        if path.is_file() and not path.is_symlink():
            top = path.relative_to(packages).parts[0]
            sizes[top.removesuffix(".libs")] += path.stat().st_size / 2**20
    return sizes


if __name__ == "__main__":
    main()
