"""voxgate packs list and info: which models are here, and what is known of them."""

# ruff: noqa: PLC0415 - imports wait until a command runs

from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxgate.cli import options, output
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


def list_packs(
    *,
    public: Annotated[
        bool, typer.Option("--public", metavar="", help="Those that 'packs pull' can get.")
    ] = False,
    json: options.Json = False,
) -> int:
    """List the packs that are here: the built-in ones, and those that were installed.

    Exit code 0: done.
    """
    from voxgate.packs import DEFAULT_PACK, installed

    if public:
        return _list_public(as_json=json)
    packs = installed()
    if json:
        output.print_json({"packs": [facts_of(pack) for pack in packs]})
        return DONE
    output.print_table(
        ("", "pack", "numbers", "least speech", "licence", "what it is"),
        [
            (
                "*" if pack.name == DEFAULT_PACK else "",
                pack.label + ("" if pack.decider else " (not calibrated)"),
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


def _list_public(*, as_json: bool) -> int:
    from dataclasses import asdict

    from voxgate.hub import entries

    if as_json:
        output.print_json({"public": [asdict(entry) for entry in entries().values()]})
        return DONE
    rows = []
    for entry in entries().values():
        rate = next(iter(entry.published.items()), ("", 0.0))
        figure = f"{rate[1]:g} ({rate[0].removesuffix(' EER %')})" if rate[0] else output.NOTHING
        size = f"{entry.bytes / 1e6:.0f} MB" if entry.bytes else output.NOTHING
        rows.append((entry.name, str(entry.dim), size, figure, entry.license, entry.title))
    headers = ("name", "numbers", "file", "EER % published", "licence", "what it is")
    output.print_table(headers, rows, align="lrrlll")
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
    from voxgate.frontends import to_table

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
        "calibrated": pack.decider is not None,
        "front_end": to_table(pack.front_end) if pack.front_end else None,
        "source": dict(pack.source),
        "published": dict(pack.published),
    }


def _print(pack: "Pack") -> None:
    output.print_verdict(f"{pack.label}: {pack.description}", colour="green")
    output.print_gap()
    speech = f"at least {pack.min_speech_s:g} s"
    if pack.decider:
        speech += f"; more is better, up to about {pack.calibration.speech_s[1]:g} s"
    facts = {
        "path": str(pack.path),
        "licence": pack.license,
        "trained on": ", ".join(pack.training_data) or output.NOTHING,
        "embedding": f"{pack.dim} numbers, from sound at {pack.sample_rate_hz:,} Hz",
        "speech": speech,
        "files": ", ".join(f"{name} (intact)" for name in pack.sha256),
        **pack.source,
    }
    if pack.published:
        figures = [f"{name} {value:g}" for name, value in pack.published.items()]
        facts["its makers report"] = ", ".join(figures)
    output.print_facts(facts)
    _print_front_end(pack)
    _print_metrics(pack)
    if pack.decider:
        _print_misses(pack)
    else:
        output.print_remark(
            "Not calibrated: it embeds, and can be evaluated by the cosine, but cannot decide "
            "until 'voxgate calibrate --cohort' has measured it on recordings of yours."
        )


def _print_front_end(pack: "Pack") -> None:
    """How the features of a public model are computed; a pack of our own has it inside."""
    from voxgate.frontends import to_table

    if pack.front_end is not None:
        output.print_heading("Front end")
        output.print_facts({key: str(value) for key, value in to_table(pack.front_end).items()})


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
