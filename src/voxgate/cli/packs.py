"""voxgate packs: which models are here, and what is known of them."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxgate.cli import options, output
from voxgate.cli.commands import add_command
from voxgate.cli.exits import DONE

if TYPE_CHECKING:
    from voxgate.packs import Pack

_METRICS = {  # in pack.toml -> over the column
    "trials": "trials",
    "eer": "EER %",
    "min_dcf_0.01": "min DCF 0.01",
    "cllr": "Cllr",
    "min_cllr": "min Cllr",
}

app = typer.Typer(help="Which models are here, with their facts and measured error rates.")


def list_packs(*, json: options.Json = False) -> int:
    """List the built-in packs.

    Exit code 0: done.
    """
    from voxgate.packs import DEFAULT_PACK, installed

    packs = installed()
    if json:
        output.print_json({"packs": [facts_of(pack) for pack in packs]})
        return DONE
    output.print_table(
        ("", "pack", "numbers", "least speech", "licence", "what it is"),
        [
            (
                "*" if pack.name == DEFAULT_PACK else "",
                pack.label,
                str(pack.dim),
                f"{pack.min_speech_s:g} s",
                pack.license,
                pack.description,
            )
            for pack in packs
        ],
        align="llrrll",
    )
    return DONE


def info(
    pack: Annotated[
        str | None, typer.Argument(metavar="PACK", help="A name, a folder, or a zip file.")
    ] = None,
    *,
    json: options.Json = False,
) -> int:
    """Show all that a pack says of itself.

    Its files are checked against the SHA-256 that it states. Exit code 0: done. 2: no such
    pack, or it was tampered with.
    """
    from voxgate.packs import DEFAULT_PACK, load_pack

    found = load_pack(pack or DEFAULT_PACK)
    for name in found.sha256:
        found.read(name)
    if json:
        output.print_json(facts_of(found))
    else:
        _print(found)
    return DONE


def facts_of(pack: "Pack") -> dict[str, Any]:
    """What a program may want to know of a pack."""
    return {
        "id": pack.id,
        "name": pack.name,
        "version": pack.version,
        "path": str(pack.path),
        "description": pack.description,
        "license": pack.license,
        "training_data": list(pack.training_data),
        "dim": pack.dim,
        "sample_rate_hz": pack.sample_rate_hz,
        "min_speech_s": pack.min_speech_s,
        "max_window_s": pack.max_window_s,
        "metrics": {name: dict(values) for name, values in pack.metrics.items()},
        "sha256": dict(pack.sha256),
    }


def _print(pack: "Pack") -> None:
    output.print_verdict(f"{pack.label}: {pack.description}", colour="green")
    output.print_gap()
    output.print_facts(
        {
            "path": str(pack.path),
            "licence": pack.license,
            "trained on": ", ".join(pack.training_data),
            "embedding": f"{pack.dim} numbers, from sound at {pack.sample_rate_hz:,} Hz",
            "speech": f"at least {pack.min_speech_s:g} s; more is better, up to about "
            f"{pack.calibration.speech_s[1]:g} s",
            "files": ", ".join(f"{name} (intact)" for name in pack.sha256),
        }
    )
    _print_metrics(pack)
    _print_misses(pack)


def _print_metrics(pack: "Pack") -> None:
    """Measured error rates by set of recordings: the usual ones; --json has them all."""
    known = {name for values in pack.metrics.values() for name in values}
    names = [name for name in _METRICS if name in known]
    if not names:
        return
    rows = [
        (of_set, *[_figure(values[name]) if name in values else output.NOTHING for name in names])
        for of_set, values in pack.metrics.items()
    ]
    output.print_heading("Measured error rates, as the pack states them")
    output.print_table(
        ("", *[_METRICS[name] for name in names]), rows, align="l" + "r" * len(names)
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _print_misses(pack: "Pack") -> None:
    """What a false-accept rate costs, by how much speech there is."""
    table = pack.false_accepts
    rows = [
        (output.seconds(speech_s), *[f"{100 * miss:.1f} %" for miss in misses])
        for speech_s, misses in zip(table.speech_s, table.misses, strict=True)
    ]
    output.print_heading("How often the right voice is refused, by seconds of speech and --far")
    headers = ("", *[f"{far:g}" for far in table.far])
    output.print_table(headers, rows, align="r" * len(headers))


add_command(app, list_packs, "list")
add_command(
    app,
    info,
    "info",
    ("voxgate packs info", "the one used when none is named"),
    ("voxgate packs info ./my-pack", "a folder or zip file"),
)
