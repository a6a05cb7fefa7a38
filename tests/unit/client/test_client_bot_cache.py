from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from autoretrain_client.errors import Unavailable
from tests.unit.client.bots import NOW, TRADE, Bot
from tests.unit.client.published import learnt, pointer
from tests.unit.trainer.trade_stream import STRATEGY


def test_cached_model_is_used_when_the_api_is_down(bot: Bot, tmp_path: Path) -> None:
    bot.api.activate("v1", learnt())
    before = bot.start(cache=tmp_path).predict(TRADE)
    bot.api.down = True
    model = bot.start(cache=tmp_path, require=True)
    assert model.predict(TRADE) == replace(before, stale=True)
    assert model.status.version == "v1"
    assert model.status.last_success_at is None


def test_cached_model_is_not_downloaded_again(bot: Bot, tmp_path: Path) -> None:
    bot.api.activate("v1", learnt())
    bot.start(cache=tmp_path)
    bot.api.heard.clear()
    assert not bot.start(cache=tmp_path).status.stale
    assert [path.rpartition("/")[2] for path, _ in bot.api.heard] == ["active-model"]


def test_cached_model_expires_as_the_newest_poll_has_told(bot: Bot, tmp_path: Path) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start(cache=tmp_path)
    bot.api.activate("v1", learnt(), expires_at=(NOW + timedelta(hours=1)).isoformat())
    model.refresh()
    bot.api.down = True
    restarted = bot.start(cache=tmp_path)
    assert restarted.predict(TRADE).source == "model"
    bot.clock.now += timedelta(hours=1)
    assert restarted.predict(TRADE).expired


def test_cache_holds_neither_url_nor_token(bot: Bot, tmp_path: Path) -> None:
    bot.api.activate("v1", learnt())
    bot.start(cache=tmp_path)
    [file] = tmp_path.iterdir()
    assert "secret" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_cache_forgets_a_model_that_is_withdrawn(bot: Bot, tmp_path: Path) -> None:
    bot.api.activate("v1", learnt())
    model = bot.start(cache=tmp_path)
    bot.api.pointer = pointer()
    model.refresh()
    bot.api.down = True
    assert bot.start(cache=tmp_path).predict(TRADE).source == "base_rate"


def cut(text: str) -> str:
    return text[:1000]


def falsified(text: str) -> str:
    content = json.loads(text)
    content["text"] = content["text"].replace("leaf_value=0", "leaf_value=1", 1)
    return json.dumps(content)


def foreign(text: str) -> str:
    return '{"pointer": {}}'


def a_list(text: str) -> str:
    return "[]"


@pytest.mark.parametrize("harm", [cut, falsified, foreign, a_list])
def test_damaged_cache_is_told_and_written_again(
    bot: Bot, tmp_path: Path, harm: Callable[[str], str]
) -> None:
    bot.api.activate("v1", learnt())
    bot.start(cache=tmp_path)
    [file] = tmp_path.iterdir()
    written = file.read_text()
    file.write_text(harm(written))
    bot.api.down = True
    with pytest.raises(Unavailable):
        bot.start(cache=tmp_path, require=True)

    bot.api.down = False
    assert bot.start(cache=tmp_path).status.error is None
    assert file.read_text() == written


def test_model_is_used_when_the_cache_cannot_be_written(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bot.api.activate("v1", learnt())
    model = bot.start(cache=tmp_path / "file")
    assert model.predict(TRADE).source == "model"
    assert isinstance(model.last_error, OSError)


def test_no_half_file_is_left_when_the_cache_cannot_be_replaced(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / f"{STRATEGY}.json").mkdir()
    bot.api.activate("v1", learnt())
    model = bot.start(cache=tmp_path)
    assert isinstance(model.last_error, OSError)
    assert [path.name for path in tmp_path.iterdir()] == [f"{STRATEGY}.json"]
