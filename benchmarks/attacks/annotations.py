"""Damaged inputs of `spinetk convert`, of every format."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import cv2
import nibabel
import numpy as np
from scipy.io import savemat

from attacks.injuries import damaged, damaged_json
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.datasets.annotated import read_dataset
from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.rle import encode_rle

OPTIONS = {
    "labelme": Conversion(modality="MR"),
    "coco": Conversion(modality="MR"),
    "yolo": Conversion(modality="XR", exhaustive=True),
    "aasce": Conversion(),
    "volumes": Conversion(modality="MR"),
    "verse": Conversion(),
    "spider": Conversion(),
    "dicom-seg": Conversion(),
    "results": Conversion(),
}


def seeds(folder: Path) -> None:
    """A small whole folder of each format."""
    gray = np.random.default_rng(0).integers(0, 255, (120, 100)).astype(np.uint8)
    corners = [[20, 30], [60, 30], [60, 60], [20, 60]]
    mask = np.zeros((120, 100), bool)
    mask[30:60, 20:60] = True
    flat = [float(v) for point in corners for v in point]

    def place(path: str) -> Path:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        return folder / path

    for path in ("labelme/a.png", "coco/images/p1/a.png", "yolo/images/a.png"):
        cv2.imwrite(str(place(path)), gray)
    place("labelme/a.json").write_text(json.dumps({
        "version": "5", "imagePath": "a.png", "imageData": None, "imageHeight": 120, "imageWidth": 100,
        "shapes": [{"label": "L3", "points": corners, "shape_type": "polygon", "group_id": None},
                   {"label": "L3-L4", "points": [[20, 62], [60, 70]], "shape_type": "rectangle"}],
    }))  # fmt: skip
    note = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    place("coco/annotations/instances.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "p1/a.png", "height": 120, "width": 100}],
        "categories": [{"id": 1, "name": "L3"}, {"id": 2, "name": "disc"}],
        "annotations": [{"id": 1, **note, "segmentation": [flat]},
                        {"id": 2, **note, "segmentation": encode_rle(mask)},
                        {"id": 3, **note, "bbox": [1, 1, 9, 9]}],
    }))  # fmt: skip
    shares = " ".join(f"{v:.4f}" for v in (np.array(corners) / (100, 120)).ravel())
    place("yolo/labels/a.txt").write_text(f"1 {shares}\n0 {shares}\n")
    place("yolo/data.yaml").write_text("names: [disc, vertebra]\nnc: 2\n")
    quads = np.array([[(200, 20 + 50 * i), (260, 20 + 50 * i), (200, 60 + 50 * i), (260, 60 + 50 * i)]
                      for i in range(17)], float)  # fmt: skip
    case = "sunhl-1th-03-Jan-2017-162 a ap.jpg"
    cv2.imwrite(str(place(f"aasce/data/training/{case}")), np.zeros((1024, 480), np.uint8))
    savemat(place(f"aasce/labels/training/{case}.mat"), {"p2": quads.reshape(68, 2)})
    labels = np.zeros((12, 60, 80), np.uint8)
    labels[2:10, 10:40, 40:66], labels[2:10, 10:40, 30:38] = 22, 122
    image = np.random.default_rng(1).normal(100, 20, labels.shape).astype(np.float32)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    pairs = {"volumes/a.nii.gz": "volumes/a_seg.nii.gz",
             "verse/rawdata/sub-v4/sub-v4_ct.nii.gz": "verse/derivatives/sub-v4/sub-v4_seg-vert_msk.nii.gz"}  # fmt: skip
    for one, other in pairs.items():
        nibabel.save(nibabel.Nifti1Image(image, affine), place(one))
        nibabel.save(nibabel.Nifti1Image(labels, affine), place(other))
    import SimpleITK

    for part, array in (("images", image), ("masks", labels // 7)):
        SimpleITK.WriteImage(
            SimpleITK.GetImageFromArray(array.transpose(2, 1, 0)),
            str(place(f"spider/{part}/12_t2.mha")),
        )
    with tempfile.TemporaryDirectory() as name:
        write_phantom(make_phantom(PhantomConfig(slices=1)), Path(name) / "study")
        segment_all([Path(name) / "study" / "dicom"], Path(name) / "out", Options())
        [result] = [p for p in (Path(name) / "out").iterdir() if p.is_dir()]
        shutil.copytree(result, folder / "results" / result.name)
        shutil.copytree(Path(name) / "study" / "dicom", folder / "dicom-seg")
        shutil.copy(result / "seg.dcm", folder / "dicom-seg")


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Convert a folder one file of which is damaged, and read what came out."""
    rng = np.random.default_rng(number)
    kind = sorted(OPTIONS)[number % len(OPTIONS)]
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "in", Path(name) / "out"
        shutil.copytree(folder / kind, source)
        files = sorted(p for p in source.rglob("*") if p.is_file())
        path = files[int(rng.integers(len(files)))]
        if injure and path.suffix == ".json" and rng.random() < 0.7:
            path.write_text(damaged_json(path.read_text(), rng))
        elif injure:
            path.write_bytes(damaged(path.read_bytes(), rng))
        try:
            convert(kind, source, out, OPTIONS[kind])
        finally:
            left = [p.name for p in Path(name).iterdir() if p.name not in ("in", "out")]
        for image in read_dataset(out).images:
            assert image.pixels.shape and all(note.mask.any() for note in image.instances)
        return f"WRONG left {left}" if left else "taken"
