"""Decode pixels in a process that may end: decoders of pictures and of compressed DICOM images are
written in C, and a damaged file can end the process that runs them, or keep it for hours; some
files, and run lengths (RLE), hold much more than an image. The process has so much memory and time
as an image may take.

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
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from spinetk.errors import SpineError, UnreadableInput
from spinetk.readers.bounds import largest_bytes

DICOM, PICTURE = "dicom", "picture"
SECONDS = {DICOM: 60.0, PICTURE: 15.0}
"""What takes longer is given up."""
OWN_BYTES, IMAGES = 384 * 2**20, 2
"""What the process itself takes, and how many of the largest images beside it."""
READY = b"ready"
LENGTH = 8
"""Bytes of the number that says how long an answer is."""


class _Decoder:
    """The child of this process, started when it is first needed and again when it has ended."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._bound = 0

    def ask(self, kind: str, path: Path, number: int | None = None) -> Any:
        """What the child says of an image.

        Raises:
            UnreadableInput: it ends the child, or takes it too long.
            SpineError, ValueError: what the child raised.
        """
        with self._one_at_a_time:
            answer = self._answer(kind, path, number)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, kind: str, path: Path, number: int | None) -> Any:
        child = self._started()
        assert child.stdin is not None and child.stdout is not None
        late = threading.Timer(SECONDS[kind], child.kill)
        late.start()
        try:
            pickle.dump((kind, str(path.absolute()), number), child.stdin)
            child.stdin.flush()
            length = int.from_bytes(_whole(child.stdout, LENGTH), "little")
            return pickle.loads(_whole(child.stdout, length))
        except (OSError, EOFError) as error:
            self.stop()
            raise UnreadableInput("its pixels are damaged: they end the decoder") from error
        except BaseException:  # its answer would be taken for that to the next question
            self.stop()
            raise
        finally:
            late.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        bound = largest_bytes()
        if self._child is None or self._child.poll() is not None or self._bound != bound:
            self.stop()
            self._child = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C is the parent's to hear
            )  # fmt: skip
            self._bound = bound
            # on a slow disk its libraries take their time, which is no picture's fault
            assert self._child.stdout is not None
            self._child.stdout.read(len(READY))
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
    for number in [None] if numbers is None else numbers:
        yield _decoder.ask(DICOM, path, number)


def picture_apart(path: Path) -> tuple[NDArray[Any], Any]:
    """The stored values of a picture, [H, W] or [H, W, C], and what its header says
    (`decoders.Told`).

    Raises:
        UnreadableInput: no picture, damaged, or too large.
    """
    stored, told = _decoder.ask(PICTURE, path)
    return stored, told


def _whole(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) != length:
        raise EOFError
    return content


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
    from spinetk.readers.decoders import dicom_frame, picture

    _bound_memory()
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "wb")
    answers.write(READY)
    answers.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries in C print what they think of a file
    while True:
        try:
            kind, path, number = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: Any
        try:
            answer = dicom_frame(path, number) if kind == DICOM else picture(Path(path))
        except SpineError as error:
            answer = error
        except Exception as error:  # decoders raise many kinds
            answer = ValueError(str(error) or type(error).__name__)
        content = pickle.dumps(answer, protocol=5)
        answers.write(len(content).to_bytes(LENGTH, "little") + content)
        answers.flush()


if __name__ == "__main__":
    _serve()
