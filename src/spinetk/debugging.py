"""SPINETK_DEBUG=1 shows where an unexpected error came from.

Otherwise its words are kept back: libraries quote headers, a patient's name for one.
"""

from __future__ import annotations

import os
import sys
import traceback

VARIABLE = "SPINETK_DEBUG"


def unexpected(error: BaseException) -> str:
    """What is said of an error that nobody foresaw; its traceback goes to stderr where the
    environment variable SPINETK_DEBUG is set, and not 0."""
    if os.environ.get(VARIABLE, "0") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
    return f"unexpected {type(error).__name__}"
