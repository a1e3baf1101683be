"""`python -m voxgate.train run` trains an experiment, `… pack` makes a pack of it."""

import argparse
import json
import sys
from pathlib import Path

from voxgate.errors import VoxgateError


def main() -> int:
    """Do what the command line says; 2 with one sentence on standard error if that fails."""
    parser = argparse.ArgumentParser(prog="python -m voxgate.train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train, or go on training after an interruption")
    run.add_argument("experiment", type=Path, help="TOML file")
    run.add_argument("--noise", type=Path, required=True, help="folder with noise/ and rir/")
    pack = commands.add_parser("pack", help="export, calibrate and measure a finished run")
    pack.add_argument("out", type=Path, help="folder of the pack")
    pack.add_argument("--dev", type=Path, required=True, help="folder with *.trials, recordings")
    for command in (run, pack):
        command.add_argument("--data", type=Path, required=True, help="folder with manifest.csv")
        command.add_argument("--cache", type=Path, required=True, help="for decoded speech")
        command.add_argument("--run", type=Path, required=True, help="the run's folder")
    arguments = parser.parse_args()
    try:
        _do(arguments)
    except VoxgateError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on from the last checkpoint.\n")
        return 130
    return 0


def _do(arguments: argparse.Namespace) -> None:
    a = arguments
    if a.command == "run":
        from voxgate.train.loop import train  # noqa: PLC0415

        train(a.experiment, a.data, a.noise, a.cache, a.run)
        return
    from voxgate.train.pack import make_pack  # noqa: PLC0415

    found = make_pack(a.run, a.data, a.cache, a.dev, a.out)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
