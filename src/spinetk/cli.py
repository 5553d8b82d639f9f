"""Command line: one thin sub-command for each verb of the library."""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import signal
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

import spinetk
from spinetk.cli_done import say_done, verdicts
from spinetk.cli_options import anchor_of, formats_of, one_of, slice_choice, spacing_of, study_of
from spinetk.errors import SpineError, UnreadableInput, UsageError
from spinetk.warning import Warning
from spinetk.writers.formats import DICOM_FORMATS, FORMATS, USUAL_FORMATS

DONE, USAGE, UNREADABLE, SOME_FAILED = 0, 2, 3, 4
INTERRUPTED = 130
SHORTEST_TOKEN = 12
MODALITIES = {"auto": None, "mr": "MR", "ct": "CT", "xr": "XR"}

DataSets = Annotated[list[Path], typer.Argument(help="Data sets (or .zip).", metavar="DATA...")]
Config = Annotated[
    Path | None, typer.Option(help="TOML file with fields of TrainingConfig to change.")
]
Init = Annotated[
    str | None, typer.Option(help="Start from a shipped network or a .safetensors file.")
]
NoBar = Annotated[bool, typer.Option(help="No progress bar.")]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Find, outline and measure vertebral bodies and intervertebral discs. "
    "Research use only; not a medical device.",
)
console = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; every error that a user can act on is one line."""
    # a polite end of the process (systemd, batch queues) cleans up like Ctrl-C, which a shell has
    # programs ignore that a script starts with &
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # DICOM objects come by the hundred thousand and live on: looking for garbage among them, and
    # taking them apart at the end, takes a second of three
    gc.set_threshold(100_000, 50, 50)
    for stream in (sys.stdout, sys.stderr):  # names of files need not be text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = _run()
    gc.freeze()
    sys.exit(code)


def _run() -> int:
    """Run the command; returns the exit status."""
    # libraries warn of headers in words that quote them, a patient's name for one; what matters of
    # it is told by ourselves
    warnings.simplefilter("ignore")
    if "" in sys.argv[1:]:  # it would be taken for the current folder
        _say("an argument is empty: a variable that is not set?")
        return USAGE
    try:
        # outside standalone mode typer returns the code of typer.Exit, and 130 for Ctrl-C
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except typer.Exit as stop:
        code = stop.exit_code
    except UnreadableInput as error:
        _say(str(error))
        return UNREADABLE
    except SpineError as error:
        _say(str(error))
        return USAGE
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return USAGE
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own errors have it
            raise
        if error.format_message():
            _say(f"{error.format_message()} (see --help)")
        return USAGE
    if code == INTERRUPTED:
        _say("interrupted: what was complete is kept")
    return int(code or DONE)


def _say(text: str) -> None:
    console.print(Text.assemble(("spinetk: ", "red"), text))


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(spinetk.__version__)
        raise typer.Exit


@app.command()
def segment(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")],
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(help="Files, folders or archives (zip, tar).", metavar="INPUT..."),
    ] = None,
    dicomweb: Annotated[
        str | None, typer.Option(help="URL of a DICOMweb service, to read from and store to.")
    ] = None,
    dimse: Annotated[
        str | None,
        typer.Option(metavar="TITLE@HOST:PORT", help="A DICOM node, to read from and store to."),
    ] = None,
    receive_port: Annotated[
        int | None,
        typer.Option(help="Have the node send the study to this port here (C-MOVE to SPINETK)."),
    ] = None,
    study: Annotated[str | None, typer.Option(help="StudyInstanceUID there.")] = None,
    partial: Annotated[
        bool, typer.Option(help="Take a part of the study where no more of it comes.")
    ] = False,
    modality: Annotated[
        str, typer.Option(help="auto, mr, ct or xr; auto takes it from the file's header.")
    ] = "auto",
    slice_: Annotated[
        str,
        typer.Option("--slice", help="auto, all, per-body, or a slice's number, counted from 0."),
    ] = "auto",
    around: Annotated[
        int | None,
        typer.Option(
            "--slices", min=2, help="Mean and SD of measures over so many slices around the middle."
        ),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help=f"Comma-separated, of: {', '.join(FORMATS)}; the last {len(DICOM_FORMATS)} only "
            "where the source is DICOM.",
            show_default=f"all but {' and '.join(f for f in FORMATS if f not in USUAL_FORMATS)}",
        ),
    ] = ",".join(USUAL_FORMATS),
    model: Annotated[
        str | None, typer.Option(help="Shipped network (mr, ct, xr) or an .onnx file.")
    ] = None,
    score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score threshold; the model's by default.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="A body's level by its place from below, as in L5=2.")
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(help="mm a pixel where the file does not say: 0.5, or 0.5,0.4 (row, column)."),
    ] = None,
    pyradiomics: Annotated[
        Path | None,
        typer.Option(metavar="PARAMETERS", help="Write PyRadiomics' features by this file, too."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace results that are there.")] = False,
    keep: Annotated[
        bool, typer.Option("--continue", help="Leave series alone whose results are there.")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="Print errors only.")] = False,
) -> None:
    """Segment every series in the input; results go to OUT/<series key>/."""
    import cv2

    from spinetk import batch
    from spinetk.cores import cores

    cv2.setNumThreads(cores())
    options = batch.Options(
        modality=one_of("--modality", modality.lower(), MODALITIES),
        slices=slice_choice(slice_),
        around=around,
        pyradiomics=pyradiomics,
        formats=formats_of(formats),
        model=model,
        score=score,
        anchor=anchor_of(anchor) if anchor else None,
        overwrite=overwrite,
        keep=keep,
        spacing=spacing_of(spacing) if spacing else None,
    )
    if around and slice_ != "auto":
        raise UsageError("--slices goes with the slice that is selected: leave out --slice")
    if overwrite and keep:
        raise UsageError("--overwrite replaces results and --continue keeps them: give one of them")
    study = study_of(study) if study else None
    if sum(map(bool, (inputs, dicomweb, dimse))) != 1 or bool(inputs) == bool(study):
        archives = "--dicomweb URL or --dimse TITLE@HOST:PORT, with --study UID"
        raise UsageError(f"name either INPUT files or folders, or {archives}")
    archive, fetched = _archive(dicomweb, dimse, receive_port), None
    if archive and study:
        came = archive.fetch(study, partial=partial)
        fetched = came.folder
        if came.missing:
            text = f"only a part of the study: {came.missing}"
            options = replace(options, told=(Warning("partial", text),))
    elif partial or receive_port:
        raise UsageError("--partial and --receive-port are of a study from an archive")
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=console, transient=True, disable=quiet or not console.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("reading", total=None)
        outcome = batch.segment_all(
            [Path(fetched.name)] if fetched else inputs or [],
            out,
            options,
            on_done=lambda row: None if quiet else say_done(out, row, named=not fetched),
            on_progress=lambda text, done, total: bar.update(
                task, description=text, completed=done, total=total
            ),
            workers=cores(),
        )
    for key, reason in outcome.failed:
        _say(f"{key}: {reason}")
    for refusal in outcome.passed_over:
        _say(f"passed over {refusal.name}: {refusal.reason}")
    for key, text in outcome.told:
        _say(f"{key}: {text}")
    if outcome.kept:
        _say(f"results that were there and were kept: {len(outcome.kept)}")
    if outcome.other_files:
        _say(f"passed over files of other kinds: {outcome.other_files}")
    if fetched and archive:
        done = [str(row["key"]) for row in outcome.done]
        # those of an interrupted run may not have been stored yet; a server takes one twice
        count = archive.store([out / key for key in sorted({*done, *outcome.kept})])
        print(f"stored {count} instances in {archive.name}")
        fetched.cleanup()
    if outcome.done and not quiet:
        print(verdicts(outcome.done))
    if outcome.failed:
        raise typer.Exit(SOME_FAILED)


def _archive(url: str | None, node: str | None, port: int | None) -> Any:
    """The archive that was named; None where none was."""
    if url:
        _needs("dicomweb", "dicomweb_client")
        from spinetk.dicom_net.web import WebArchive

        return WebArchive(url)
    if node:
        _needs("serve", "pynetdicom")
        from spinetk.dicom_net.peers import parse_peer
        from spinetk.dicom_net.retrieve import NodeArchive

        return NodeArchive(parse_peer(node), port)
    return None


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(help="Folder for dicom/ and truth.nii.gz.")],
    look: Annotated[str, typer.Option(help="T1, T2, CT or XR.")] = "T2",
    slices: Annotated[int, typer.Option(min=1, max=500, help="Number of slices.")] = 15,
    scoliosis: Annotated[
        float, typer.Option(help="Lateral bend: its apex off the midline, in mm.")
    ] = 0.0,
    fracture: Annotated[str | None, typer.Option(help="Level with a wedge, as L1.")] = None,
    slip: Annotated[float, typer.Option(help="How far L4 slips to the front, in mm.")] = 0.0,
    metal: Annotated[bool, typer.Option(help="Screws in L4 and L5.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of texture and noise.")] = 1,
) -> None:
    """Write an analytic spine as a DICOM series with exact labels, to try the tool on."""
    from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
    from spinetk.phantom.spine import NAMES, SHOWN

    looks = {name.lower(): name for name in ("T1", "T2", "CT", "XR")}
    if fracture is not None and fracture not in NAMES[:SHOWN]:
        raise UsageError(f"--fracture {fracture}: one of {', '.join(NAMES[:SHOWN])}")
    config = PhantomConfig(
        look=one_of("--look", look.lower(), looks), slices=slices, scoliosis_mm=scoliosis,
        fracture=fracture, slip_mm=slip, metal=metal, seed=seed,
    )  # fmt: skip
    files = write_phantom(make_phantom(config), out)
    print(f"{len(files)} DICOM files in {out / 'dicom'}, labels in {out / 'truth.nii.gz'}")


@app.command()
def train(
    data: DataSets,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the run.")],
    config: Config = None,
    hold_out: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of each set's patients never trained on.")
    ] = 0.2,
    init: Init = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="How long to train, instead of iterations.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a GPU where there is one.")
    ] = "auto",
    quiet: NoBar = False,
) -> None:
    """Train a network on annotated data; goes on where an interrupted run of OUT stopped."""
    _needs("train", "torch", "torchvision")
    from spinetk.training.make_network import train_run

    model = train_run(
        data, out, config, hold_out, init=init, minutes=minutes, device=device, quiet=quiet
    )
    card = json.loads(model.with_suffix(".json").read_text())
    trained, held_out = (card[f"{k}_patients_sha256"] for k in ("trained", "held_out"))
    print(
        f"{model}: trained on {len(trained)} patients in {card['training_minutes']:g} minutes, "
        f"{len(held_out)} held out\nspinetk evaluate {' '.join(map(str, data))} "
        f"-o {out / 'evaluation'} --model {model}"
    )


@app.command()
def serve(
    folder: Annotated[
        Path, typer.Option(help="Folder of uploaded studies and their results.")
    ] = Path("spinetk-jobs"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8321,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SPINETK_TOKEN",
            help="Secret that every request bears; other hosts need it. Here it shows in lists of "
            "processes: better in SPINETK_TOKEN, or in a file.",
        ),
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the secret.")] = None,
    keep: Annotated[
        float, typer.Option(min=0.01, help="Hours until a study that nobody corrected is deleted.")
    ] = 24.0,
    most: Annotated[float, typer.Option(min=0.001, help="GB that one study may have.")] = 8.0,
    send_to: Annotated[
        str | None, typer.Option(help="DICOM node for results, as TITLE@HOST:PORT.")
    ] = None,
) -> None:
    """Serve a page to drop studies on, look at results, correct them and send them on."""
    _needs("serve", "fastapi", "uvicorn", "pynetdicom", "scipy", "yaml", "pycocotools")
    import uvicorn

    from spinetk.dicom_net.peers import parse_peer
    from spinetk.server.access import LOOPBACK
    from spinetk.server.app import create_app
    from spinetk.server.settings import Settings

    if token_file:
        token = token_file.read_text(encoding="utf-8").strip()
    if host not in LOOPBACK and not token:
        raise UsageError(f"--host {host}: other machines can reach it; name a --token")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UsageError(f"--token: at least {SHORTEST_TOKEN} characters")
    settings = Settings(
        folder, token, keep, int(most * 1e9), parse_peer(send_to) if send_to else None
    )
    console.print(f"SpineTK: http://{host}:{port}/{'?token=...' if token else ''} (Ctrl-C ends)")
    # requests are not logged: names of studies could stand in them
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )


@app.command()
def node(
    allow: Annotated[
        list[str], typer.Option(help="Who may send, as TITLE@HOST; can be given again.")
    ],
    folder: Annotated[Path, typer.Option(help="Folder of incoming studies and results.")] = Path(
        "spinetk-node"
    ),
    title: Annotated[str, typer.Option(help="AE title of this node.")] = "SPINETK",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 11112,
    send_to: Annotated[
        str | None, typer.Option(help="Where SEG and SR go, as TITLE@HOST:PORT.")
    ] = None,
    quiet_seconds: Annotated[
        float, typer.Option(min=0.5, help="A study is complete when nothing has come for so long.")
    ] = 10.0,
    keep: Annotated[float, typer.Option(min=0.01, help="Hours until results are deleted.")] = 24.0,
) -> None:
    """Be a DICOM node: take studies by C-STORE, segment them, send SEG and SR on."""
    _needs("serve", "pynetdicom")
    import logging
    import threading

    from spinetk.dicom_net.node import Node, NodeSettings
    from spinetk.dicom_net.peers import parse_allowed, parse_peer, parse_title

    # our own words only: libraries quote what peers send, a patient's name for one
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    own = logging.getLogger("spinetk")
    own.addHandler(handler)
    own.propagate, own.level = False, logging.INFO
    logging.getLogger().addHandler(logging.NullHandler())
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    settings = NodeSettings(
        folder, parse_title(title), host, port, parse_allowed(allow),
        parse_peer(send_to) if send_to else None, quiet_seconds, keep,
    )  # fmt: skip
    running = Node(settings)
    running.start()
    console.print(f"SpineTK: DICOM node {title} on {host}:{port} (Ctrl-C ends)")
    try:
        threading.Event().wait()
    finally:
        running.stop()


@app.command()
def convert(
    kind: Annotated[
        str,
        typer.Argument(
            help="volumes, verse, spider, dicom-seg, results, labelme, yolo, coco or aasce.",
            metavar="FORMAT",
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Folder with images and annotations.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the new data set.")],
    modality: Annotated[
        str, typer.Option(help="mr, ct or xr; auto where the format says it itself.")
    ] = "auto",
    names: Annotated[
        Path | None, typer.Option(help="ITK-SNAP label descriptions, for volumes.")
    ] = None,
    whole_vertebrae: Annotated[
        bool, typer.Option(help="The volumes' masks hold posterior elements: remove them.")
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option(help="Every visible body and disc of these classes is annotated.")
    ] = False,
    patient: Annotated[
        str | None,
        typer.Option(help="Regular expression; its first group in a name is the patient."),
    ] = None,
) -> None:
    """Turn annotations of another format into a data set for training."""
    _needs("evaluate", "scipy", "yaml", "pycocotools")
    from spinetk.datasets.converters.convert import Conversion
    from spinetk.datasets.converters.convert import convert as run

    options = Conversion(
        modality=one_of("--modality", modality.lower(), MODALITIES),
        names=names,
        whole_vertebrae=whole_vertebrae,
        exhaustive=exhaustive,
        patient=patient,
    )
    done = run(kind, folder, out, options)
    print(f"{out}: {done.images} images of {done.patients} patients, {done.outlines} outlines")
    print("classes: " + ", ".join(f"{name} {count}" for name, count in done.classes.items()))
    if done.strange:
        console.print(f"not understood as a body or disc: {', '.join(done.strange)}")
    for what, count in sorted(done.lost.items()):
        console.print(f"left out: {count} {what}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A data set (nnunet), or results (bids).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="New folder.")],
    layout: Annotated[str, typer.Option(help="nnunet or bids.")],
) -> None:
    """Write a data set for nnU-Net, or results as BIDS derivatives."""
    from spinetk.datasets.annotated import read_dataset
    from spinetk.datasets.exports.bids import export_bids
    from spinetk.datasets.exports.nnunet import export_nnunet

    of_data = one_of("--layout", layout, {"nnunet": True, "bids": False})
    counts = export_nnunet(read_dataset(folder), out) if of_data else export_bids(folder, out)
    what = "images" if of_data else "results"
    print(f"{out}: {counts.pop(what)} {what}")
    for reason, count in sorted(counts.items()):
        console.print(f"left out: {count} {reason}")


@app.command()
def crossval(
    data: DataSets,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the runs and figures.")],
    config: Config = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 5,
    init: Init = None,
    quiet: NoBar = False,
) -> None:
    """Train and evaluate by patient in folds; finished folds are kept when it is run again."""
    _needs("train", "torch", "torchvision", "statsmodels", "pycocotools")
    from spinetk.training.crossval import crossval_run

    print(crossval_run(data, out, config, folds, init=init, quiet=quiet))
    print(f"report: {out / 'report.html'}")


@app.command()
def evaluate(
    data: DataSets,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for figures and tables.")],
    model: Annotated[str, typer.Option(help="Shipped network's name or an .onnx file.")] = "mr",
    patients: Annotated[
        str,
        typer.Option(help="unseen (never trained on, by the card), all, or a text file of ids."),
    ] = "unseen",
    quiet: NoBar = False,
) -> None:
    """Hold a network's results against reference annotations: detection, Dice, radiomics and slice
    selection, as tables, figures and one page."""
    _needs("evaluate", "scipy", "pandas", "statsmodels", "matplotlib", "pycocotools", "tabulate")
    from spinetk.evaluation.evaluate import evaluate_run

    print(evaluate_run(data, out, model, patients, quiet=quiet))


def _needs(extra: str, *modules: str) -> None:
    """Say which extra to install where one of its modules is missing."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"this needs the {extra} extra ({', '.join(missing)} not found): "
            f"pip install '.[{extra}]' in SpineTK's folder"
        )


if __name__ == "__main__":
    main()
