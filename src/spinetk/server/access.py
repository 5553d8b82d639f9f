"""Who may speak to the server: a browser on this machine, or a bearer of the token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
THIS_MACHINE = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
"""The header Host of requests of a browser on this machine, and nothing beside it."""
COOKIE = "spinetk-token"
MOST_JSON = 64 * 2**20
"""Bytes of a request that is no upload."""
HEADERS = {
    # the page is complete in itself: nothing is loaded from, or sent to, anywhere else
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval'; "
    "worker-src 'self' blob:; connect-src 'self' blob: data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Next = Callable[[Request], Awaitable[Response]]


class Guard:
    """Middleware that lets a request through or answers it.

    Without a token only requests that name this machine are served, so that no web site can reach
    the server through a person's browser (DNS rebinding). With one, every request bears it: in the
    header `Authorization: Bearer`, or in the cookie that opening `/?token=...` sets.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Answer one request."""
        refusal = self._refusal(request)
        response = refusal or await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return _error(403, "requests from other sites are not served")
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return _error(403, "requests from other sites are not served")
        upload = request.method == "PUT" and "/files/" in request.url.path  # bounded as it comes
        if request.method in ("POST", "PATCH", "PUT") and not upload:
            length = request.headers.get("content-length", "0")
            if "transfer-encoding" in request.headers or not length.isdecimal():
                return _error(411, "the length of the request is needed")
            if int(length) > MOST_JSON:
                return _error(413, "the request is too long")
        if self._token is None:
            if not THIS_MACHINE.fullmatch(host):
                return _error(403, "this server is for this machine only")
            return None
        if request.url.path == "/health":  # says nothing of any study
            return None
        given = request.query_params.get("token")
        if given is not None and request.url.path == "/" and self._is_right(given):
            answer = RedirectResponse("./", status_code=303)  # a proxy may have a prefix
            secure = request.url.scheme == "https"
            answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", secure=secure)
            return answer
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        bearer = value if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")
        if self._is_right(bearer):
            return None
        return _error(401, "a token is needed: open /?token=... or send Authorization: Bearer")

    def _is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self._token or "").encode())


def _error(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)
