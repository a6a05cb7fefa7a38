"""Keeps the newest verified model in one file: a bot starts with it while the API is down."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autoretrain_client.answers import Pointer
from autoretrain_client.bot.artifact import Artifact
from autoretrain_client.errors import ModelRefused, NotUnderstood
from autoretrain_client.parsing import parse


@dataclass(frozen=True, slots=True)
class Cache:
    """One strategy's file in the folder; it holds no URL, which would open the model store."""

    folder: Path
    name: str

    def write(self, pointer: Pointer, artifact: Artifact | None) -> None:
        """Replace the file at once; a crash leaves the old one. Raises OSError."""
        content = {
            "pointer": asdict(replace(pointer, model_url=None, manifest_url=None)),
            "manifest": artifact and artifact.manifest.decode(),
            "text": artifact and artifact.text.decode(),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:
            try:
                json.dump(content, file, default=str)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(self._path)
            except BaseException:
                Path(file.name).unlink()
                raise

    def read(self) -> tuple[Pointer, Artifact | None] | None:
        """What was written, to be verified again; None where there is nothing.

        Raises OSError, or ModelRefused for a file that is not one of ours.
        """
        if not self._path.exists():
            return None
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            pointer = parse(Pointer, content["pointer"])
            if pointer.version is None:
                return pointer, None
            return pointer, Artifact(content["manifest"].encode(), content["text"].encode())
        except (AttributeError, KeyError, NotUnderstood, TypeError, ValueError) as exc:
            raise ModelRefused(f"{self._path} is damaged: it will be written again") from exc

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.name}.json"
