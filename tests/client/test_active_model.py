"""Eight threads of a bot keep asking while models come and go, over real connections."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread

import pytest

from autoretrain.domain.models import Artifact
from autoretrain_client import ActiveModel, Client, Prediction
from tests.unit.client.published import FakeApi, asked, odd_trades, trainers, variant
from tests.unit.trainer.trade_stream import STRATEGY, loaded

THREADS = 8
ACTIVATIONS = 50
CORRUPTED_EVERY = 10
PATIENCE_SECONDS = 60
BREATH_SECONDS = 0.005  # between two rounds, so that the API gets its turn
ROWS = odd_trades()[:8]

Harm = Callable[[FakeApi, str], None]


def cut(api: FakeApi, version: str) -> None:
    api.files[f"/{version}/model.txt"] = api.files[f"/{version}/model.txt"][:-200]


def empty(api: FakeApi, version: str) -> None:
    api.files[f"/{version}/model.txt"] = b""


def flip_a_digit(api: FakeApi, version: str) -> None:
    text = api.files[f"/{version}/model.txt"]
    api.files[f"/{version}/model.txt"] = text.replace(b"leaf_value=0", b"leaf_value=1", 1)


def mix_up_manifests(api: FakeApi, version: str) -> None:
    api.files[f"/{version}/manifest.json"] = api.files["/v0/manifest.json"]


def lose(api: FakeApi, version: str) -> None:
    del api.files[f"/{version}/model.txt"]


HARMS: tuple[Harm, ...] = (cut, empty, flip_a_digit, mix_up_manifests, lose)


@dataclass
class Bots:
    """Threads that predict until they are stopped, and what they heard."""

    model: ActiveModel
    stopped: Event = field(default_factory=Event)
    more: Condition = field(default_factory=Condition)
    heard: list[list[tuple[int, Prediction]]] = field(
        default_factory=lambda: [[] for _ in range(THREADS)]
    )

    def run(self, number: int) -> None:
        questions = [asked(trade) for trade in ROWS]
        while not self.stopped.wait(BREATH_SECONDS):
            for row, question in enumerate(questions):
                self.heard[number].append((row, self.model.predict(**question)))
            with self.more:
                self.more.notify_all()

    def hear_on(self) -> None:
        """Return once every thread has asked about every trade again."""
        enough = [len(heard) + len(ROWS) for heard in self.heard]
        with self.more:
            assert self.more.wait_for(
                lambda: all(len(h) > e for h, e in zip(self.heard, enough, strict=True)),
                PATIENCE_SECONDS,
            )


@contextmanager
def served(api: FakeApi) -> Iterator[str]:
    """The API on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = (
            1 << 20
        )  # an answer in one piece: in two, the second waits for an ACK of the first

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, body = api.reply(self.path.partition("?")[0], headers)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Not among the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def _threads_that_interrupt_each_other() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_threads_that_interrupt_each_other")
def test_every_prediction_is_that_of_the_version_it_names_while_models_come_and_go(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    api = FakeApi()
    models = {f"v{number}": variant(number) for number in range(ACTIVATIONS)}
    with served(api) as url:
        api.api = api.store = url
        api.activate("v0", models["v0"])
        with (
            Client(url, "arp_abcdefgh_secret") as client,
            ActiveModel(client, STRATEGY, poll_seconds=0.02) as model,
            ThreadPoolExecutor(THREADS) as pool,
        ):
            bots = Bots(model)
            running = [pool.submit(bots.run, number) for number in range(THREADS)]
            try:
                refused = come_and_go(api, model, bots, models)
            finally:
                bots.stopped.set()
            assert [done.result() for done in running] == [None] * THREADS

    predictions = [each for heard in bots.heard for each in heard]
    expected = {name: trainers(stored).predict(loaded(ROWS)) for name, stored in models.items()}
    counted = Counter(prediction.model_version for _, prediction in predictions)
    wrong = [
        (row, prediction)
        for row, prediction in predictions
        if prediction.model_version is None
        or prediction.win_probability != expected[prediction.model_version][row]
    ]
    figures = {
        "predictions": len(predictions),
        "activations": ACTIVATIONS,
        "corrupted": refused,
        "versions that answered": len(counted),
        "wrong": len(wrong),
    }
    for name, value in figures.items():
        record_property(name, value)
    with capsys.disabled():
        sys.stdout.write(f"\nActiveModel under {THREADS} threads: {figures}\n")
    assert wrong == []
    assert set(counted) == set(models)
    assert refused == len(HARMS)


def come_and_go(api: FakeApi, model: ActiveModel, bots: Bots, models: dict[str, Artifact]) -> int:
    """Activate every model, some of them after a corrupted one; how many of these were refused."""
    refused = 0
    bots.hear_on()
    for number, (version, artifact) in enumerate(models.items()):
        if number % CORRUPTED_EVERY == CORRUPTED_EVERY - 1:
            before = model.status.version
            corrupt(api, f"bad-{version}", artifact, HARMS[refused])
            assert model.refresh().version == before
            assert model.last_error is not None
            refused += 1
            bots.hear_on()
        api.activate(version, artifact)
        assert model.refresh().version == version
        bots.hear_on()
    return refused


def corrupt(api: FakeApi, version: str, artifact: Artifact, harm: Harm) -> None:
    """Point to a model that is not the one that was published."""
    hidden = FakeApi(store=api.store, files=dict(api.files))
    hidden.activate(version, artifact)
    harm(hidden, version)
    # The pointer comes last: a poll of the model's own must not find the sound one.
    api.files.update(hidden.files)
    if f"/{version}/model.txt" not in hidden.files:
        api.files.pop(f"/{version}/model.txt", None)
    api.pointer = hidden.pointer
