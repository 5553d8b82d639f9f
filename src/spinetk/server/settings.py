"""How a server is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spinetk.dicom_net.peers import Peer


@dataclass(frozen=True)
class Settings:
    """How the server is run.

    Attributes:
        folder: of the jobs.
        token: that every request must bear; None serves this machine only.
        keep_hours: no study stays longer.
        most_bytes: of one study.
        send_to: where results are sent on the page's word.
        opened: a folder of the command line's results that is shown as a worklist, too.
        images: what was segmented into it, None where it lies as sources.csv says.
        log_requests: each request is logged, by its route.
    """

    folder: Path
    token: str | None = None
    keep_hours: float = 24.0
    most_bytes: int = 8 * 2**30
    send_to: Peer | None = None
    opened: Path | None = None
    images: Path | None = None
    log_requests: bool = False
