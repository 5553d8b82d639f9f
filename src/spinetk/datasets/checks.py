"""Find what is wrong with a data set before hours are spent on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from spinetk.datasets.contract import LEVELS, ImageEntry, NoteEntry, SetContent
from spinetk.errors import SpineError


def check_dataset(folder: Path, content: SetContent) -> None:
    """Hold `annotations.json` against its pictures and itself; only picture headers are read.

    Args:
        content: of the file, its types already right.

    Raises:
        SpineError: the first fault, and how many there are.
    """
    faults = list(_faults(folder, content))
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise SpineError(f"{faults[0]}{more}", folder)


def _faults(folder: Path, content: SetContent) -> Iterator[str]:
    images, notes = content.images, content.annotations
    for key in ("id", "file_name"):
        for value, count in Counter(str(getattr(image, key)) for image in images).items():
            if count > 1:
                yield f"{count} images have the {key} {value}"
    stems = Counter(Path(image.file_name).stem for image in images)
    yield from (f"{n} pictures are called {stem}" for stem, n in stems.items() if n > 1)
    known = {image.id for image in images}
    yield from (
        f"annotation {note.id} belongs to image {note.image_id}, which is not there"
        for note in notes
        if note.image_id not in known
    )
    places = Counter((image.series_id, image.slice_index) for image in images)
    for (series, index), count in places.items():
        if count > 1:
            yield f"{count} images are slice {index} of series {series}"
    labelled = {image.id: image.labelled_categories for image in images}
    for note in notes:
        if note.category_id not in labelled.get(note.image_id, (note.category_id,)):
            yield (
                f"annotation {note.id}: its category {note.category_id} is not among the "
                "image's labelled_categories"
            )
    for note in notes:
        if note.level is not None and note.level not in LEVELS:
            yield f"annotation {note.id}: there is no level {note.level!r}"
    for image in images:
        if image.slice_index >= image.n_slices:
            yield f"{image.file_name}: slice_index {image.slice_index} of {image.n_slices} slices"
    yield from _picture_faults(folder, images, notes)


def _picture_faults(
    folder: Path, images: tuple[ImageEntry, ...], notes: tuple[NoteEntry, ...]
) -> Iterator[str]:
    sizes: dict[int | str, set[tuple[int, int]]] = {}
    for note in notes:
        sizes.setdefault(note.image_id, set()).add(note.segmentation.size)
    for image in images:
        name = image.file_name
        try:
            with (folder / name).open("rb") as stream, Image.open(stream) as picture:
                size = (picture.height, picture.width)
                mode = picture.mode
        except FileNotFoundError:
            yield f"{name}: the picture is not there"
            continue
        except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
            yield f"{name}: cannot be read as a picture"
            continue
        stated = (image.height or size[0], image.width or size[1])
        if stated != size:
            yield f"{name}: {size[0]} x {size[1]} pixels, said to be {stated[0]} x {stated[1]}"
        if mode not in ("L", "1"):
            yield f"{name}: its pixels are {mode}; 8-bit gray is needed"
        for height, width in sizes.get(image.id, set()) - {size}:
            yield f"{name}: {size[0]} x {size[1]} pixels, its masks {height} x {width}"
