"""Fetches what the last training has left while this one still reads its trades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from autoretrain.domain.models import MANIFEST_FILE, MODEL_FILE, Assignment, StoredFile
from autoretrain.ports import ArtifactStore


@dataclass(frozen=True, slots=True)
class _Ahead:
    store: ArtifactStore
    coming: Mapping[StoredFile, Future[bytes]]

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self.store.put(key, content, content_type)

    def get(self, key: str, sha256: str) -> bytes:
        file = self.coming.get(StoredFile(key, sha256))
        return file.result() if file else self.store.get(key, sha256)


@contextmanager
def fetched_ahead(store: ArtifactStore, assignment: Assignment) -> Iterator[ArtifactStore]:
    """The store, with the champion and the memories on their way. What goes wrong with a file is
    raised where it is asked for, and nowhere else."""
    files = _left_by_the_last(assignment)
    with ThreadPoolExecutor(max(1, len(files)), "ahead") as pool:
        yield _Ahead(store, {file: pool.submit(store.get, file.key, file.sha256) for file in files})


def _left_by_the_last(assignment: Assignment) -> list[StoredFile]:
    champion, memories = assignment.champion, assignment.memories
    files = [memories] if memories else []
    if champion is not None:
        folder = champion.artifact_key
        files.append(StoredFile(f"{folder}/{MANIFEST_FILE}", champion.manifest_sha256))
        files.append(StoredFile(f"{folder}/{MODEL_FILE}", champion.sha256))
    return files
