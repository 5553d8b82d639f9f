"""Decode compressed pixels in a process that may end: decoders of JPEG, JPEG-LS and JPEG 2000 are
written in C, and a damaged codestream can end the process that runs them; some, and run lengths
(RLE), hold much more than the image. The process has so much memory as an image may take.

The child is this module run as a program. It takes requests (pickled) on its standard input and
answers on its standard output; it ends when its parent does.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from spinetk.errors import UnreadableInput
from spinetk.readers.bounds import largest_bytes
from spinetk.readers.codestreams import codestream_size

APART = frozenset(
    (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless,
     JPEGLSNearLossless, JPEG2000, JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K,
     RLELossless)
)  # fmt: skip
"""Transfer syntaxes of compressed pixels."""
SECONDS = 120.0
"""A frame that takes longer is given up."""
OWN_BYTES, IMAGES = 384 * 2**20, 2
"""What the process itself takes, and how many of the largest images beside it."""
LENGTH = 8
"""Bytes of the number that says how long an answer is."""


class _Decoder:
    """The child of this process, started when it is first needed and again when it has ended."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def frames(self, path: Path, numbers: Sequence[int] | None) -> Iterator[NDArray[Any]]:
        """See `decoded_apart`."""
        for number in [None] if numbers is None else numbers:
            with self._one_at_a_time:
                answer = self._ask(path, number)
            if isinstance(answer, str):
                raise ValueError(answer)
            yield answer

    def _ask(self, path: Path, number: int | None) -> NDArray[Any] | str:
        child = self._started()
        assert child.stdin is not None and child.stdout is not None
        late = threading.Timer(SECONDS, child.kill)
        late.start()
        try:
            pickle.dump((str(path.absolute()), number), child.stdin)
            child.stdin.flush()
            length = int.from_bytes(_whole(child.stdout, LENGTH), "little")
            answer: NDArray[Any] | str = pickle.loads(_whole(child.stdout, length))
            return answer
        except (OSError, EOFError) as error:
            self.stop()
            raise UnreadableInput("its pixels are damaged: they end the decoder") from error
        finally:
            late.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.stop()
            self._child = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C is the parent's to hear
            )  # fmt: skip
        return self._child

    def stop(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


_decoder = _Decoder()
atexit.register(_decoder.stop)


def decoded_apart(path: Path, numbers: Sequence[int] | None = None) -> Iterator[NDArray[Any]]:
    """The stored values of a DICOM file's image, or of some of its frames.

    Args:
        numbers: of frames, from 0; None for a file of one image.

    Yields:
        [H, W] (or with colours behind), as pydicom gives it.

    Raises:
        UnreadableInput: they end the decoder, or take it too long.
        ValueError: the decoder says that they are damaged.
    """
    yield from _decoder.frames(path, numbers)


def _whole(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) != length:
        raise EOFError
    return content


@lru_cache(maxsize=1)
def _dataset(path: str, _changed: int) -> pydicom.Dataset:
    """The file whose frames are asked for one by one."""
    return pydicom.dcmread(path, force=True)


def _decoded(path: str, number: int | None) -> NDArray[Any]:
    """One image, after its codestream's own size was held against the header's: a decoder writes,
    and pydicom cuts, by one of them."""
    dataset = _dataset(path, Path(path).stat().st_mtime_ns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    coded = get_frame(dataset.PixelData, number or 0, number_of_frames=frames)
    size, told = codestream_size(coded), (int(dataset.Rows), int(dataset.Columns))
    if size is not None and size != told:
        raise ValueError(f"they are {size[1]} x {size[0]}, and {told[1]} x {told[0]} by the header")
    if number is None:
        return np.ascontiguousarray(dataset.pixel_array)
    return np.ascontiguousarray(pixel_array(dataset, index=number))


def _bound_memory() -> None:
    """What asks for more fails, in Python and in C, and with it this image alone."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    bound = OWN_BYTES + IMAGES * largest_bytes()
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))


def _serve() -> None:
    """Answer requests until the parent closes the pipe."""
    _bound_memory()
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries in C print what they think of a file
    while True:
        try:
            path, number = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: NDArray[Any] | str
        try:
            answer = _decoded(path, number)
        except Exception as error:  # decoders raise many kinds
            answer = str(error) or type(error).__name__
        content = pickle.dumps(answer, protocol=5)
        answers.write(len(content).to_bytes(LENGTH, "little") + content)
        answers.flush()


if __name__ == "__main__":
    _serve()
