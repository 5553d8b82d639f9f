"""A DICOMweb server on loopback that answers as servers and proxies in trouble do."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MARK = b"abc123"


class HalfServer:
    """Answers under /MODE: ok, part (status 206), cut (in the midst of an instance), unmarked
    (without the closing mark), counted (whole, but fewer than QIDO-RS says).

    Attributes:
        stored: how often something was stored.
        authorization: header of the last request.
    """

    def __init__(self, files: Sequence[bytes]) -> None:
        self.files = files
        self.stored = 0
        self.authorization = ""
        server = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None: ...

            def do_GET(self) -> None:
                server.authorization = self.headers.get("Authorization", "")
                asked = self.path.partition("?")[0].endswith("/studies")
                if "//" in self.path or (asked and not self.path.startswith("/counted")):
                    self.answer(404, b"", "text/plain")
                elif asked:
                    count = {"00201208": {"vr": "IS", "Value": [len(server.files)]}}
                    self.answer(200, json.dumps([count]).encode(), "application/dicom+json")
                else:
                    status, body = server.body(self.path.split("/")[1])
                    kind = f'multipart/related; type="application/dicom"; boundary={MARK.decode()}'
                    self.answer(status, body, kind)

            def do_POST(self) -> None:
                if length := int(self.headers.get("Content-Length") or 0):
                    self.rfile.read(length)
                else:
                    while size := int(self.rfile.readline(), 16):
                        self.rfile.read(size + 2)
                    self.rfile.read(2)
                server.stored += 1
                self.answer(200, b"{}", "application/dicom+json")

            def answer(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def body(self, mode: str) -> tuple[int, bytes]:
        """Status and content of the answer to a request for the study."""
        whole = parts(self.files)
        if mode == "part":
            return 206, parts(self.files[:2])
        if mode == "counted":
            return 200, parts(self.files[:4])
        if mode == "unmarked":
            return 200, parts(self.files[:3])[: -len(b"--" + MARK + b"--\r\n")]
        return 200, whole[: len(whole) * 4 // 7 + 100] if mode == "cut" else whole

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()


def parts(files: Sequence[bytes]) -> bytes:
    """A multipart answer (RFC 2046)."""
    head = b"--" + MARK + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + content + b"\r\n" for content in files) + b"--" + MARK + b"--\r\n"
