"""Annotation files parsed, or refused by their name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import yaml
from numpy.typing import NDArray
from scipy.io import loadmat

from spinetk.errors import SpineError


def json_of(path: Path) -> dict[str, Any]:
    """A JSON file in UTF-8, with or without a byte order mark; empty where it holds no object.

    Raises:
        SpineError: not JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SpineError("not valid JSON", path) from error
    return content if isinstance(content, dict) else {}


def yaml_of(path: Path) -> dict[str, Any]:
    """A YAML file; empty where it holds no mapping.

    Raises:
        SpineError: not YAML.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpineError("not valid YAML", path) from error
    return content if isinstance(content, dict) else {}


def matlab_array(path: Path, name: str) -> NDArray[np.float64]:
    """An array of numbers in a MATLAB file.

    Raises:
        SpineError: not a MATLAB file, or no such array in it.
    """
    try:
        return np.asarray(loadmat(path)[name], dtype=float)
    except Exception as error:  # the library raises errors of every kind for a damaged file
        raise SpineError(f"no MATLAB file with an array {name} in it", path) from error


def dicom_of(path: Path, *, pixels: bool = True) -> pydicom.Dataset:
    """A DICOM file.

    Args:
        pixels: read them too.

    Raises:
        SpineError: not DICOM, or damaged.
    """
    try:
        return pydicom.dcmread(path, stop_before_pixels=not pixels)
    except Exception as error:  # errors of every kind, for damaged files
        raise SpineError("is damaged, or no DICOM", path) from error
