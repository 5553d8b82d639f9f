"""Damaged DICOM associations, byte for byte as they come over the wire, sent to a running node."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import traceback
from functools import cache
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage, Verification

from attacks.injuries import damaged
from spinetk.dicom_net.node import Node, NodeSettings
from spinetk.dicom_net.peers import parse_allowed
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.services import free_port

ECHOES = 25
"""After so many a whole association must be served."""
PATIENCE = 0.15
"""Seconds that are waited for an answer to damaged bytes."""
RAISED: list[str] = []


def seeds(folder: Path) -> None:
    """What a sender's bytes are: an echo and a stored image."""
    with tempfile.TemporaryDirectory() as name:
        write_phantom(
            make_phantom(PhantomConfig(slices=1, samples=1, height=64, width=64)), Path(name)
        )
        [path] = (Path(name) / "dicom").iterdir()
        image = dcmread(path)
    port = _node(folder)
    for kind in ("echo", "store"):
        (folder / kind).write_bytes(_recorded(port, image if kind == "store" else None))
    image.save_as(folder / "image")


@cache
def _node(folder: Path) -> int:
    """A node of this process; what its threads raise is kept."""
    threading.excepthook = lambda told: RAISED.append(
        "".join(traceback.format_exception(told.exc_type, told.exc_value, told.exc_traceback))
    )
    port = free_port()
    work = Path(tempfile.mkdtemp())
    Node(NodeSettings(work, "SPINETK", "127.0.0.1", port, parse_allowed(["SCANNER@127.0.0.1"]),
                      None, 3600.0, 24.0)).start()  # fmt: skip
    return port


def _asked(port: int, image: object) -> None:
    """A whole association: an echo or, with an image, a C-STORE."""
    ae = AE("SCANNER")
    ae.add_requested_context(Verification)
    ae.add_requested_context(MRImageStorage)
    made = ae.associate("127.0.0.1", port, ae_title="SPINETK")
    assert made.is_established, "a whole association is not served"
    status = made.send_c_store(image) if image is not None else made.send_c_echo()
    made.release()
    assert status and status.Status == 0, status


def _recorded(port: int, image: object) -> bytes:
    """The bytes that a sender sends, through a relay that keeps them."""
    sent = bytearray()
    relay = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if kept is not None:
                    kept += content
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        sender, _ = relay.accept()
        node = socket.create_connection(("127.0.0.1", port))
        back = threading.Thread(target=copy, args=(node, sender, None), daemon=True)
        back.start()
        copy(sender, node, sent)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    _asked(relay.getsockname()[1], image)
    thread.join(5)
    relay.close()
    return bytes(sent)


def attempt(folder: Path, number: int, injure: bool = True) -> str:
    """Send damaged bytes; now and then a whole association must be served."""
    port = _node(folder)
    RAISED.clear()
    if number % ECHOES == 0:
        _asked(port, dcmread(folder / "image"))
        return "taken"
    content = (folder / ("echo", "store")[number % 2]).read_bytes()
    if injure:
        content = damaged(content, np.random.default_rng(number))
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 5) as sender:
        sender.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            sender.sendall(content)
            sender.shutdown(socket.SHUT_WR)
            while part := sender.recv(4096):
                answer += part
    if RAISED:
        return f"WRONG {RAISED[0]}"
    return "taken" if answer[:1] == b"\x02" else "refused"
