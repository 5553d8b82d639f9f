"""A log line for each request: what was asked for and how it ended, and nothing of any study."""

from __future__ import annotations

import logging
import time

from fastapi import Request, Response

from spinetk.server.access import Next

log = logging.getLogger("spinetk.server")
PAGE = "(page)"
"""Of what is no route: the page's own files."""


async def log_request(request: Request, call_next: Next) -> Response:
    """Middleware that logs the route by its template (`/api/jobs/{job}`), the status and the time;
    names of studies could stand in a path."""
    begun = time.monotonic()
    response = await call_next(request)
    route = getattr(request.scope.get("route"), "path", "") or PAGE
    fields = {
        "method": request.method,
        "route": route,
        "status": response.status_code,
        "milliseconds": round(1000 * (time.monotonic() - begun), 1),
    }
    log.info("%s %s %d", request.method, route, response.status_code, extra={"fields": fields})
    return response
