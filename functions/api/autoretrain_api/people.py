"""What the routes call, built when the first of them does: a missing setting is an answer then."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from autoretrain.settings import ApiSettings, ConsoleSettings, read
from autoretrain_api.console import Console

if TYPE_CHECKING:
    from autoretrain.bootstrap import People


@cache
def people() -> People:
    """Raises MissingSettings, BadSetting; built again at the next call then."""
    from autoretrain import bootstrap  # brings boto3, which files and refusals do without

    return bootstrap.people(read(ApiSettings, os.environ))


def console() -> Console:
    """The console's files, which need none of what people ask for."""
    return Console(read(ConsoleSettings, os.environ))
