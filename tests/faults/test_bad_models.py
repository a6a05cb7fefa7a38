"""Model files that are not what was published: refused by their hash, and LightGBM never asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import lightgbm as lgb
import pytest
from hypothesis import strategies as st

from autoretrain.domain.models import Artifact, Champion, StoredFile
from autoretrain.errors import ArtifactCorrupt, ArtifactMissing
from autoretrain_client.answers import Pointer
from autoretrain_client.bot.artifact import Artifact as Download
from autoretrain_client.bot.source import Held, open_artifact
from autoretrain_client.errors import ModelRefused
from autoretrain_client.parsing import parse
from autoretrain_trainer.artifact import load_champion
from autoretrain_trainer.memories import load_memories
from tests.faults.fuzz import Fuzz
from tests.faults.rows import row
from tests.unit.client.published import pointer, variant
from tests.unit.trainer.trade_stream import AS_OF, FakeArtifacts

FOLDER = "models/u/s/r/h"
MODEL, MANIFEST = f"{FOLDER}/model.txt", f"{FOLDER}/manifest.json"

Harm = Callable[[bytes], bytes]


@cache
def published(number: int) -> Artifact:
    return variant(number)


def other_strategys(text: bytes) -> bytes:
    return published(2).model_text


def one_digit_off(text: bytes) -> bytes:
    return text.replace(b"leaf_value=0", b"leaf_value=1", 1)


NAMED: dict[str, Harm] = {
    "empty": lambda text: b"",
    "half": lambda text: text[: len(text) // 2],
    "without its end": lambda text: text[:-1],
    "with something behind": lambda text: text + b"\n",
    "another strategy's": other_strategys,
    "one digit off": one_digit_off,
    "no text": lambda text: b"\xff" * 100,
    "a pickle": lambda text: b"\x80\x04\x95cos\nsystem\n",
}


def harms() -> st.SearchStrategy[Harm]:
    """Cut short, one bit over, a piece twice, two pieces swapped, or one of the above."""
    place = st.integers(0, 1 << 20)
    return (
        st.builds(lambda at: lambda text: text[: at % len(text)], place)
        | st.builds(lambda at, bit: lambda text: _flipped(text, at, bit), place, st.integers(0, 7))
        | st.builds(lambda at: lambda text: text[: at % len(text)] + text, place)
        | st.builds(lambda at: lambda text: text[at % len(text) :] + text[: at % len(text)], place)
        | st.builds(
            lambda at, by: lambda text: _spliced(text, at, by), place, st.binary(min_size=1)
        )
        | st.sampled_from(list(NAMED.values()))
    )


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[at % len(content)] ^= 1 << bit
    return bytes(changed)


def _spliced(content: bytes, at: int, by: bytes) -> bytes:
    return content[: at % len(content)] + by + content[at % len(content) :]


@dataclass
class Spy:
    """Stands before LightGBM, which ends the process on broken text, or loads it silently."""

    asked: list[str] = field(default_factory=list)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    watching, whole = Spy(), lgb.Booster.__init__

    def watched(self: lgb.Booster, *args: Any, **given: Any) -> None:
        watching.asked.append(given["model_str"])
        whole(self, *args, **given)

    published(1), published(2)  # fitted before anybody watches
    monkeypatch.setattr(lgb.Booster, "__init__", watched)
    return watching


def trainers_own(text: bytes, manifest: bytes) -> None:
    """As a trainer reads the champion that it judges against."""
    made = published(1)
    store = FakeArtifacts({MODEL: text, MANIFEST: manifest})
    load_champion(Champion("v1", FOLDER, made.sha256, made.manifest_sha256, AS_OF, AS_OF), store)


def bots_own(text: bytes, manifest: bytes) -> Held:
    """As a bot opens what it has downloaded."""
    made = published(1)
    hashes = {"sha256": made.sha256, "manifest_sha256": made.manifest_sha256}
    told = pointer(version="v1", model_url="m", manifest_url="n", etag=None, **hashes)
    known = parse(Pointer, told)
    return open_artifact(known, Download(manifest, text))


READERS: dict[str, Callable[[bytes, bytes], object]] = {"trainer": trainers_own, "bot": bots_own}
REFUSED = (ArtifactCorrupt, ArtifactMissing, ModelRefused)


@pytest.mark.parametrize("reader", READERS)
def test_whole_model_is_loaded(spy: Spy, reader: str) -> None:
    READERS[reader](published(1).model_text, published(1).manifest_text)

    assert spy.asked == [published(1).model_text.decode()]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("how", NAMED)
@row("B32")
def test_model_that_is_not_the_published_one_never_reaches_lightgbm(
    spy: Spy, reader: str, how: str
) -> None:
    whole = published(1)

    with pytest.raises(REFUSED):
        READERS[reader](NAMED[how](whole.model_text), whole.manifest_text)

    assert spy.asked == []


@pytest.mark.parametrize("reader", READERS)
@row("B32")
def test_another_strategys_whole_model_never_reaches_lightgbm(spy: Spy, reader: str) -> None:
    with pytest.raises(REFUSED):
        READERS[reader](published(2).model_text, published(2).manifest_text)
    with pytest.raises(REFUSED):
        READERS[reader](published(1).model_text, published(2).manifest_text)

    assert spy.asked == []


@pytest.mark.parametrize("reader", READERS)
@row("B32")
def test_no_harm_to_a_model_or_its_manifest_reaches_lightgbm(
    spy: Spy, fuzz: Fuzz, reader: str
) -> None:
    whole = published(1)

    def check(harmed: tuple[bytes, bytes]) -> None:
        if harmed != (whole.model_text, whole.manifest_text):
            with pytest.raises(REFUSED):
                READERS[reader](*harmed)
        assert spy.asked == []

    texts = harms().map(lambda harm: (harm(whole.model_text), whole.manifest_text))
    manifests = harms().map(lambda harm: (whole.model_text, harm(whole.manifest_text)))
    fuzz(f"model files, read by the {reader}", texts | manifests, check, examples=600)


@row("B32")
def test_no_harm_to_what_a_training_remembers_reaches_lightgbm(spy: Spy, fuzz: Fuzz) -> None:
    whole = b'{"format": 1, "long": {"text": "tree"}}'
    file = StoredFile("memories.json", hashlib.sha256(whole).hexdigest())

    def check(harm: Harm) -> None:
        if harm(whole) != whole:
            with pytest.raises(ArtifactCorrupt):
                load_memories(file, FakeArtifacts({file.key: harm(whole)}))
        assert spy.asked == []

    fuzz("memories, read by the trainer", harms(), check, examples=300)
