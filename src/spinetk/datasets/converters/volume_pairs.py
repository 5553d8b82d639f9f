"""Which image belongs to which label volume, in the layouts that people have.

case1.nii.gz, case1_seg.nii.gz          any folder; also case1.seg.nrrd (3D Slicer)
P0003/image.nii.gz, P0003/label.nii.gz  a folder a case
imagesTr/c_0000.nii.gz, labelsTr/c.nii.gz, dataset.json      nnU-Net
sub-1/anat/sub-1_T2w.nii.gz, derivatives/.../sub-1_..._dseg.nii.gz      BIDS
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from spinetk.datasets.converters.names import Label, class_of
from spinetk.datasets.converters.parsed import json_of
from spinetk.errors import SpineError
from spinetk.readers.label_names import LABEL_ENDINGS, LABEL_NAMES, is_named_as_labels
from spinetk.readers.sources import files_below
from spinetk.readers.volume_files import VOLUME_SUFFIXES

LOOKED_FOR = (
    "case.nii.gz with case_seg.nii.gz (or _label, _mask, ...) or case.seg.nrrd; a folder a case "
    "with image.nii.gz and label.nii.gz; nnU-Net's imagesTr and labelsTr; BIDS with derivatives"
)


def pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """(name, image, labels) of a collection in any of the layouts above.

    Args:
        lost: receives a reason for each file that has no partner.
    """
    files = [p for p in files_below(folder) if p.name.lower().endswith(VOLUME_SUFFIXES)]
    free = {path: None for path in files if _is_label(path, folder)}
    images = [path for path in files if path not in free]
    found: dict[Path, Path] = {}
    # the surest kind of name first, for every image: labels of a T2 are not those of the T1
    for likely in (_beside, _nnunet, _alone, _bids, _bids_entities):
        for image in images:
            if image in found:
                continue
            likely_ones = [p for p in likely(image, folder, images, free) if p in free]
            own = next(iter(likely_ones), None)
            if own is not None:
                _refuse_rivals(own, likely_ones, folder)
                found[image] = own
                del free[own]
    for image in images:
        if image in found:
            yield _name(image, folder), image, found[image]
        else:
            lost.append("volumes without labels")
    lost += ["labels without a volume"] * len(free)


def _refuse_rivals(chosen: Path, likely: Sequence[Path], folder: Path) -> None:
    """Refuse labels of one name in several folders: of two readers, or by hand and by machine.

    Raises:
        SpineError: there are such.
    """
    rivals = sorted({p for p in likely if p.name == chosen.name})
    if len(rivals) > 1:
        shown = " or ".join(str(path.relative_to(folder)) for path in rivals)
        raise SpineError(f"which labels are meant, {shown}? Leave one", chosen.name)


def nnunet_names(labels: Path, folder: Path) -> dict[int, Label]:
    """What label values mean by the dataset.json of nnU-Net above a label volume; empty where there
    is none in the collection."""
    above = [place for place in labels.parents if place.is_relative_to(folder)]
    path = next((p for place in above if (p := place / "dataset.json").is_file()), None)
    if path is None:
        return {}
    content = json_of(path).get("labels", {})
    if isinstance(content, list):
        content = {str(name): number for number, name in enumerate(content)}
    if not isinstance(content, dict):
        raise SpineError("its labels are no list of names", path)
    # {"L1": 1}, and in the first version {"1": "L1"}
    both = ((k, v) if str(k).isdigit() else (v, k) for k, v in content.items())
    return {int(n): class_of(str(name)) for n, name in both if str(n).isdigit() and int(n)}


def _is_label(path: Path, folder: Path) -> bool:
    return _nnunet_part(path, folder) == "labels" or is_named_as_labels(path)


def _nnunet_part(path: Path, folder: Path) -> str | None:
    """ "images" or "labels" in a folder imagesTr, labelsTs, ..."""
    for part in path.relative_to(folder).parts[:-1]:
        for kind in ("images", "labels"):
            if part in (kind, f"{kind}Tr", f"{kind}Ts", f"{kind}Val"):
                return kind
    return None


Likely = Iterator[Path]


def _beside(image: Path, folder: Path, images: Sequence[Path], free: Collection[Path]) -> Likely:
    """case_seg.nii.gz beside case.nii.gz."""
    stem = _stem(image)
    for mark in "_-.":
        for ending in LABEL_ENDINGS:
            for suffix in VOLUME_SUFFIXES:
                yield image.with_name(f"{stem}{mark}{ending}{suffix}")


def _nnunet(image: Path, folder: Path, images: Sequence[Path], free: Collection[Path]) -> Likely:
    """labelsTr/case.nii.gz of imagesTr/case_0000.nii.gz."""
    if _nnunet_part(image, folder) != "images":
        return
    stem = _stem(image)
    case = stem.rpartition("_")[0] if stem[-5:-4] == "_" and stem[-4:].isdigit() else stem
    parents = [
        "labels" + part.removeprefix("images") if part.startswith("images") else part
        for part in image.relative_to(folder).parts[:-1]
    ]
    for name in (case, stem):
        yield from (folder.joinpath(*parents, f"{name}{suffix}") for suffix in VOLUME_SUFFIXES)


def _alone(image: Path, folder: Path, images: Sequence[Path], free: Collection[Path]) -> Likely:
    """The only label volume of a folder with one image."""
    if image.parent != folder and sum(other.parent == image.parent for other in images) == 1:
        beside = [path for path in free if path.parent == image.parent]
        plain = [path for path in beside if _stem(path).lower() in LABEL_NAMES]
        yield from plain if len(beside) == 1 else ()


def _bids(image: Path, folder: Path, images: Sequence[Path], free: Collection[Path]) -> Likely:
    """sub-1_T2w_dseg.nii.gz in derivatives, of sub-1_T2w.nii.gz."""
    stem = _stem(image)
    if stem.startswith("sub-"):
        alike = [other for other in images if _stem(other) == stem]
        for path in free:
            if _stem(path).startswith(f"{stem}_") and _belongs(path, image, folder, alike):
                yield path


def _bids_entities(
    image: Path, folder: Path, images: Sequence[Path], free: Collection[Path]
) -> Likely:
    """sub-1_seg-vert_msk.nii.gz of sub-1_T2w.nii.gz, where that is the subject's only image."""
    entities = _stem(image).rpartition("_")[0]
    if image.name.startswith("sub-") and entities:
        alike = [other for other in images if _stem(other).rpartition("_")[0] == entities]
        same = [other for other in alike if _place(other, folder) == _place(image, folder)]
        if len(same) == 1:
            for path in free:
                fits = _entities(path) == set(entities.split("_"))
                if fits and _belongs(path, image, folder, alike):
                    yield path


def _place(path: Path, folder: Path) -> tuple[str, ...]:
    """The folders of an image or of its labels, as if they lay together: BIDS has labels in
    derivatives/NAME/ beside the images, VerSe images in rawdata/."""
    parts = list(path.relative_to(folder).parts[:-1])
    if "derivatives" in parts:
        at = parts.index("derivatives")
        named = at + 1 < len(parts) and not parts[at + 1].startswith(("sub-", "ses-"))
        del parts[at : at + 1 + named]
    return tuple(part for part in parts if part != "rawdata")


def _belongs(labels: Path, image: Path, folder: Path, alike: Sequence[Path]) -> bool:
    """Whether labels are of this image among those of one name: of another site, or another
    session, they are not."""
    own, other = _place(labels, folder), _place(image, folder)
    return own == other if len(alike) > 1 else own[:1] == other[:1] or not own or not other


def _entities(labels: Path) -> set[str]:
    """What the name of a BIDS label file says of its image."""
    words = _stem(labels).split("_")
    keys = ("seg", "label", "desc", "space", "res")
    return {word for word in words if "-" in word and word.partition("-")[0] not in keys}


def _name(image: Path, folder: Path) -> str:
    parts = [*image.relative_to(folder).parts[:-1], _stem(image)]
    return "_".join(part for part in parts if part not in ("imagesTr", "imagesTs", "images"))


def _stem(path: Path) -> str:
    """The name without its suffix."""
    suffixes = (*VOLUME_SUFFIXES, ".seg.nrrd")
    suffix = max((s for s in suffixes if path.name.lower().endswith(s)), key=len)
    return path.name[: -len(suffix)]


def verse_pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """VerSe in BIDS names: `rawdata/*/*_ct.nii.gz`, `derivatives/*/*_seg-vert_msk.nii.gz`. Images
    of one name are told apart by the folder that they share with their labels.

    Raises:
        SpineError: several images may be meant.
    """
    files = files_below(folder)
    images = [path for path in files if re.search(r"_ct\.nii(\.gz)?$", path.name)]
    used: set[Path] = set()
    for path in files:
        found = re.fullmatch(r"(.+)_seg-vert_msk\.nii(\.gz)?", path.name)
        if not found:
            continue
        stem = found[1]
        named = [image for image in images if image.name.partition("_ct.nii")[0] == stem]
        beside = [image for image in named if image.parent.name == path.parent.name]
        fitting = beside if len(beside) == 1 else named
        fitting = [image for image in fitting if _root(image, folder) == _root(path, folder)]
        if len(fitting) > 1:
            shown = ", ".join(str(image.relative_to(folder)) for image in fitting)
            raise SpineError(f"which image is meant: {shown}?", path.relative_to(folder))
        if fitting:
            used.add(fitting[0])
            yield stem, fitting[0], path
        else:
            lost.append("labels without a volume")
    lost += ["volumes without labels"] * len(set(images) - used)


def _root(path: Path, folder: Path) -> tuple[str, ...]:
    """The folders above a data set's rawdata/ or derivatives/; all of them where it has neither."""
    parts = path.relative_to(folder).parts[:-1]
    places = [parts.index(name) for name in ("rawdata", "derivatives") if name in parts]
    return parts[: min(places)] if places else ()


def spider_pairs(folder: Path, lost: list[str]) -> Iterator[tuple[str, Path, Path]]:
    """SPIDER: `images/1_t1.mha` with `masks/1_t1.mha`."""
    for path in sorted((folder / "masks").glob("*.mha")):
        image = folder / "images" / path.name
        if image.is_file():
            yield path.stem, image, path
        else:
            lost.append("labels without a volume")
