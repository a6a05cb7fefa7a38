"""`python -m autoretrain_local.replay`: the command on its own."""

from __future__ import annotations

from autoretrain_local.replay.command import replay

replay()
