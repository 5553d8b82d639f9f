"""`spinetk segment`: every series of an input, into a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinetk.cli_common import MODALITIES, SOME_FAILED, VIEW_CHOICES, console, hint, tell
from spinetk.cli_done import verdicts
from spinetk.cli_options import (
    anchor_of,
    formats_of,
    one_of,
    shard_of,
    slice_choice,
    spacing_of,
    study_of,
)
from spinetk.cli_run import (
    Run,
    all_in_store,
    all_that_answer,
    archive_of,
    from_archive,
    segmented,
    store_of,
)
from spinetk.errors import UsageError
from spinetk.writers.formats import DICOM_FORMATS, FORMATS, USUAL_FORMATS


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
    query: Annotated[
        str | None,
        typer.Option(
            help="Every study there that answers, as 'ModalitiesInStudy=MR,StudyDate=2020-'."
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Every study in a folder of an object store: s3://bucket/cohort."
        ),
    ] = None,
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
    device: Annotated[
        str,
        typer.Option(help="cpu, or cuda, openvino, coreml, directml where ONNX Runtime has it."),
    ] = "cpu",
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
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hold values against a reference group, too."),
    ] = None,
    key_from: Annotated[
        str | None,
        typer.Option(
            metavar="FIELD|TEMPLATE",
            help="Name results by folder, name, PatientID, AccessionNumber, ..., or a template "
            "of them: '{PatientID}-{StudyDate}'.",
        ),
    ] = None,
    studies: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="List of studies: path, and key, anchor, modality, spacing, slice."
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|slurm:N",
            help="Share the series among a Dask cluster: its scheduler, or N workers on Slurm.",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Do the I-th of N parts; other processes do the others."),
    ] = None,
    view: Annotated[
        str, typer.Option(help="auto, ap or lateral: of films whose file does not say it.")
    ] = "auto",
    overwrite: Annotated[bool, typer.Option(help="Replace results that are there.")] = False,
    keep: Annotated[
        bool, typer.Option("--continue", help="Leave series alone whose results are there.")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="Print errors only.")] = False,
) -> None:
    """Segment every series in the input; results go to OUT/<series key>/."""
    import cv2

    from spinetk.batch_options import Options
    from spinetk.case_names import template_of
    from spinetk.cli_studies import read_studies
    from spinetk.cores import cores
    from spinetk.network.devices import PROVIDERS

    cv2.setNumThreads(cores())
    listed = read_studies(studies) if studies else ()
    if studies and (inputs or dicomweb or dimse or store):
        raise UsageError("--studies names the input: leave out the others")
    inputs = [one.path for one in listed] or inputs
    options = Options(
        modality=one_of("--modality", modality.lower(), MODALITIES),
        slices=slice_choice(slice_),
        around=around,
        view=one_of("--view", view.lower(), VIEW_CHOICES),
        key_from=template_of(key_from) if key_from else None,
        shard=shard_of(shard) if shard else None,
        sources=not (dicomweb or dimse),
        pyradiomics=pyradiomics,
        reference=reference,
        studies=listed,
        formats=formats_of(formats),
        model=model,
        score=score,
        device=one_of("--device", device.lower(), {name: name for name in PROVIDERS}),
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
    places = sum(map(bool, (inputs, dicomweb, dimse, store)))
    asked = bool(study) + bool(query)
    if places != 1 or asked != bool(dicomweb or dimse):
        archives = "--dicomweb URL or --dimse TITLE@HOST:PORT, with --study UID (or --query)"
        raise UsageError(f"name either INPUT files or folders, or --store URL, or {archives}")
    if query and not dicomweb:
        raise UsageError("--query is of a --dicomweb service")
    if cluster and not inputs:
        text = "its workers read the input themselves: copy it to where they do, or use --shard"
        raise UsageError(text, "--cluster")
    run = Run(out, options, cluster, partial, quiet)
    archive = archive_of(dicomweb, dimse, receive_port)
    if archive is None and (partial or receive_port):
        raise UsageError("--partial and --receive-port are of a study from an archive")
    if store:
        outcome = all_in_store(run, store_of(store))
    elif archive is None:
        outcome = segmented(run, inputs or [], named=True)
    elif study:
        outcome = from_archive(run, archive, study)
    else:
        outcome = all_that_answer(run, archive, str(query))
    if outcome.done and not quiet:
        tell(verdicts(outcome.done, [key for key, _ in outcome.failed]))
    if outcome.done and options.sources and not quiet and console.is_terminal:
        text = "which input each result is of, for your eyes alone"
        hint(f"{out / 'sources.csv'}: {text}", style="dim")
    if outcome.failed:
        raise typer.Exit(SOME_FAILED)
