"""Command line: one thin sub-command for each verb of the library."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import spinetk
from spinetk.cli_cohort import compare, gather, reference
from spinetk.cli_common import DONE, MODALITIES, UNREADABLE, USAGE, hint, needs, say, tell
from spinetk.cli_info import info
from spinetk.cli_options import one_of, secret_of
from spinetk.cli_segment import segment
from spinetk.errors import SpineError, UnreadableInput, UsageError

INTERRUPTED = 130
SHORTEST_TOKEN = 12

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
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Find, outline and measure vertebral bodies and intervertebral discs. "
    "Research use only; not a medical device.",
)


def main() -> None:
    """Run the command line; every error that a user can act on is one line."""
    # a polite end of the process (systemd, batch queues) cleans up like Ctrl-C, which a shell has
    # programs ignore that a script starts with &
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # DICOM objects come by the hundred thousand and live on: looking for garbage among them, and
    # taking them apart at the end, takes a second of three
    gc.set_threshold(100_000, 50, 50)
    for name in ("stdout", "stderr"):  # a caller may have closed them
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115
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
        say("an argument is empty: a variable that is not set?")
        return USAGE
    try:
        # outside standalone mode typer returns the code of typer.Exit, and 130 for Ctrl-C
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except typer.Exit as stop:
        code = stop.exit_code
    except UnreadableInput as error:
        say(str(error))
        return UNREADABLE
    except SpineError as error:
        say(str(error))
        return USAGE
    except OSError as error:
        say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return USAGE
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own errors have it
            raise
        if error.format_message():
            say(f"{error.format_message()} (see --help)")
        return USAGE
    if code == INTERRUPTED:
        say("interrupted: what was complete is kept")
    return int(code or DONE)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        tell(spinetk.__version__)
        raise typer.Exit


app.command()(segment)
app.command()(gather)
app.command()(compare)
app.command()(info)
app.command()(reference)


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
    tell(f"{len(files)} DICOM files in {out / 'dicom'}, labels in {out / 'truth.nii.gz'}")


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
    needs("train", "torch", "torchvision")
    from spinetk.training.make_network import train_run

    model = train_run(
        data, out, config, hold_out, init=init, minutes=minutes, device=device, quiet=quiet
    )
    card = json.loads(model.with_suffix(".json").read_text())
    trained, held_out = (card[f"{k}_patients_sha256"] for k in ("trained", "held_out"))
    tell(
        f"{model}: trained on {len(trained)} patients in {card['training_minutes']:g} minutes, "
        f"{len(held_out)} held out\nspinetk evaluate {' '.join(map(str, data))} "
        f"-o {out / 'evaluation'} --model {model}"
    )


@app.command()
def serve(
    results: Annotated[
        Path | None,
        typer.Argument(help="Folder of results (segment -o) that is opened as a worklist."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="What was segmented into it, where it has moved since."),
    ] = None,
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
    log_json: Annotated[
        bool, typer.Option(help="Log requests on standard error as lines of JSON.")
    ] = False,
) -> None:
    """Serve a page to drop studies on, look at results, correct them and send them on."""
    needs(
        "serve",
        "fastapi",
        "uvicorn",
        "pynetdicom",
        "scipy",
        "yaml",
        "pycocotools",
        "prometheus_client",
    )
    import uvicorn

    from spinetk.dicom_net.peers import parse_peer
    from spinetk.json_logs import log_to_standard_error
    from spinetk.server.access import LOOPBACK
    from spinetk.server.app import create_app
    from spinetk.server.settings import Settings

    if token_file:
        token = secret_of(token_file)
    if host not in LOOPBACK and not token:
        raise UsageError(f"--host {host}: other machines can reach it; name a --token")
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UsageError(f"--token: at least {SHORTEST_TOKEN} characters")
    settings = Settings(
        folder, token, keep, int(min(most, 1e6) * 1e9), parse_peer(send_to) if send_to else None,
        results, images, log_json,
    )  # fmt: skip
    if log_json:
        log_to_standard_error(as_json=True)
    if images and not results:
        raise UsageError("--images: of results: name their folder, too")
    hint(f"SpineTK: http://{host}:{port}/{'?token=...' if token else ''} (Ctrl-C ends)")
    app = create_app(settings)

    class Server(uvicorn.Server):
        """Tells those who listen to events that it ends, before it waits for them."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            app.state.ending = True
            super().handle_exit(sig, frame)

    # not logged by their paths: names of studies could stand in them
    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", access_log=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):  # that is how a service ends
        Server(config).run()


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
    keep: Annotated[
        float, typer.Option(min=0.01, help="Hours until images, and results that were sent, go.")
    ] = 24.0,
    log_json: Annotated[bool, typer.Option(help="Log lines of JSON.")] = False,
) -> None:
    """Be a DICOM node: take studies by C-STORE, segment them, send SEG and SR on."""
    needs("serve", "pynetdicom")
    import logging
    import threading

    from spinetk.dicom_net.node import Node, NodeSettings
    from spinetk.dicom_net.peers import parse_allowed, parse_peer, parse_title
    from spinetk.json_logs import log_to_standard_error

    # our own words only: libraries quote what peers send, a patient's name for one
    log_to_standard_error(as_json=log_json)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    settings = NodeSettings(
        folder, parse_title(title), host, port, parse_allowed(allow),
        parse_peer(send_to) if send_to else None, quiet_seconds, keep,
    )  # fmt: skip
    running = Node(settings)
    running.start()
    hint(f"SpineTK: DICOM node {title} on {host}:{port} (Ctrl-C ends)")
    try:
        with contextlib.suppress(KeyboardInterrupt):  # that is how a service ends
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
    needs("evaluate", "scipy", "yaml", "pycocotools")
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
    tell(f"{out}: {done.images} images of {done.patients} patients, {done.outlines} outlines")
    tell("classes: " + ", ".join(f"{name} {count}" for name, count in done.classes.items()))
    if done.strange:
        hint(f"not understood as a body or disc: {', '.join(done.strange)}")
    if done.pseudo:
        hint(
            f"{done.pseudo} images have the network's own outlines, which nobody corrected "
            "(`spinetk serve`): marked as pseudo_labels, never evaluated on"
        )
    for what, count in sorted(done.lost.items()):
        hint(f"left out: {count} {what}")


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
    tell(f"{out}: {counts.pop(what)} {what}")
    for reason, count in sorted(counts.items()):
        hint(f"left out: {count} {reason}")


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
    needs("train", "torch", "torchvision", "statsmodels", "pycocotools")
    from spinetk.training.crossval import crossval_run

    tell(crossval_run(data, out, config, folds, init=init, quiet=quiet))
    tell(f"report: {out / 'report.html'}")


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
    needs("evaluate", "scipy", "pandas", "statsmodels", "matplotlib", "pycocotools", "tabulate")
    from spinetk.evaluation.evaluate import evaluate_run

    tell(evaluate_run(data, out, model, patients, quiet=quiet))


if __name__ == "__main__":
    main()
