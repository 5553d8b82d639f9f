"""Tests that need a program of a Debian package are skipped by name where it is not there."""

from __future__ import annotations

import shutil

import pytest


def needs_debian(package: str, program: str) -> pytest.MarkDecorator:
    """Skip a test, loudly, where `program` is not installed (`make test` installs it if it can)."""
    return pytest.mark.skipif(
        shutil.which(program) is None,
        reason=f"needs {program}: apt-get install {package}",
    )
