"""Finds the Chromium that these tests drive: that of the machine, none is downloaded."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_here() -> str | None:
    """Its path: the one that CHROMIUM names, else the first on the PATH; None where there is
    none."""
    named = os.environ.get("CHROMIUM")
    wanted = (named,) if named else NAMES
    return next(filter(None, map(shutil.which, wanted)), None)
