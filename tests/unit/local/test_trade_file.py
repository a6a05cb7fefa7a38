from __future__ import annotations

import csv
import gzip
import io
import json
import math
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoretrain.errors import DataError
from autoretrain_local.trade_file import BadRow, TradeFile, read_trades
from autoretrain_local.trade_row import Trade

HEADER = "trade_id,symbol,side,decided_at,closed_at,pnl_pct,win,f_rsi,f_atr,note"
GOOD = "A1,BTC/USDT,long,2024-01-01T10:00:00Z,2024-01-01T12:00:00Z,1.5,1,30.5,2,fine"
NOW = datetime(2024, 3, 1, tzinfo=UTC)
MISSING = ["", "NaN", "nan", "null", "NULL", " "]


def read(path: Path, *lines: str) -> TradeFile:
    path.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    return read_trades(path, NOW)


def row(**cells: str) -> str:
    return ",".join((dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells).values())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "trades.csv"


@pytest.fixture
def _machine_in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "trades.csv"


def test_row_becomes_a_trade(file: Path) -> None:
    found = read(file, GOOD)
    assert found.trades == [
        Trade(
            trade_id="A1",
            symbol="BTC/USDT",
            side="long",
            decided_at=datetime(2024, 1, 1, 10, tzinfo=UTC),
            closed_at=datetime(2024, 1, 1, 12, tzinfo=UTC),
            pnl_pct=1.5,
            features={"rsi": 30.5, "atr": 2.0},
        )
    ]
    assert found.bad_rows == []
    assert found.features == ["rsi", "atr"]
    assert found.ignored_columns == ["note"]


def test_columns_are_found_by_name_when_their_order_differs_and_win_is_absent(file: Path) -> None:
    file.write_text(
        "pnl_pct,f_x, closed_at ,decided_at,side,symbol,trade_id\n"
        "-1,7,2024-01-02,2024-01-01,SELL,ETH,9\n"
    )
    (trade,) = read_trades(file, NOW).trades
    assert (trade.trade_id, trade.side, trade.pnl_pct, trade.features) == (
        "9",
        "sell",
        -1,
        {"x": 7},
    )
    assert trade.closed_at == datetime(2024, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{GOOD}\n".encode(),
        f"{HEADER}\n{GOOD}".encode(),
        f"\ufeff{HEADER}\r\n{GOOD}\r\n".encode(),
        f"{HEADER}\r{GOOD}\r".encode(),
        gzip.compress(f"{HEADER}\n{GOOD}\n".encode()),
        gzip.compress(f"{HEADER}\n".encode()) + gzip.compress(GOOD.encode()),
    ],
    ids=["plain", "no last newline", "spreadsheet", "carriage returns", "gzip", "gzip parts"],
)
def test_file_is_read_in_every_form_that_csv_takes(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    found = read_trades(file, NOW)
    assert [trade.trade_id for trade in found.trades] == ["A1"]
    assert found.bad_rows == []


@pytest.mark.parametrize(
    "text",
    ["2024-01-01T09:30:00", "2024-01-01 09:30", "2024-01-01T09:30Z", "2024-01-01T11:30:00+02:00"],
)
@pytest.mark.usefixtures("_machine_in_tokyo")
def test_time_is_utc_when_it_has_no_offset(text: str, file: Path) -> None:
    (trade,) = read(file, row(decided_at=text)).trades
    assert trade.decided_at == datetime(2024, 1, 1, 9, 30, tzinfo=UTC)
    assert trade.decided_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("missing", MISSING)
def test_trade_is_open_when_closed_at_and_pnl_pct_are_missing(missing: str, file: Path) -> None:
    (trade,) = read(file, row(closed_at=missing, pnl_pct=missing, win="0")).trades
    assert (trade.closed_at, trade.pnl_pct) == (None, None)


@pytest.mark.parametrize("missing", [*MISSING, "-nan"])
def test_feature_is_left_out_when_its_value_is_missing(missing: str, file: Path) -> None:
    found = read(file, row(f_rsi=missing))
    assert found.trades[0].features == {"atr": 2.0}
    assert found.infinite_values == 0


@pytest.mark.parametrize("infinite", ["inf", "-Infinity", "1e999"])
def test_infinite_feature_values_are_missing_and_counted(infinite: str, file: Path) -> None:
    found = read(file, row(f_rsi=infinite), row(trade_id="A2", f_atr=infinite))
    assert [trade.features for trade in found.trades] == [{"atr": 2.0}, {"rsi": 30.5}]
    assert found.infinite_values == 2


@pytest.mark.parametrize("win", ["1", "1.0", "True", "true", ""])
def test_win_is_taken_in_every_form_that_tables_write(win: str, file: Path) -> None:
    assert len(read(file, row(win=win)).trades) == 1


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"trade_id": ""}, "no trade_id"),
        ({"symbol": "null"}, "no symbol"),
        ({"side": ""}, "no side"),
        ({"side": "flat"}, "side 'flat' is neither long nor short"),
        ({"decided_at": ""}, "no decided_at"),
        ({"decided_at": "yesterday"}, "decided_at 'yesterday' is not an ISO 8601 time"),
        ({"closed_at": "1612051200000"}, "closed_at '1612051200000' is not an ISO 8601 time"),
        ({"decided_at": "2024-02-30"}, "decided_at '2024-02-30' is not an ISO 8601 time"),
        (
            {"decided_at": "0001-01-01T00:00+14:00"},
            "decided_at '0001-01-01T00:00+14:00' is not an ISO 8601 time",
        ),
        ({"closed_at": "2024-01-01T09:59:59Z"}, "closed before decided"),
        ({"closed_at": "2024-01-01T12:00:00+14:00"}, "closed before decided"),
        ({"closed_at": "2024-03-01T00:00:00.000001Z"}, "closed in the future"),
        ({"closed_at": "2024-02-29T23:59:59-00:01"}, "closed in the future"),
        ({"pnl_pct": ""}, "closed without pnl_pct"),
        ({"closed_at": ""}, "pnl_pct without closed_at"),
        ({"pnl_pct": "inf"}, "pnl_pct is not finite"),
        ({"pnl_pct": "1.5%"}, "pnl_pct '1.5%' is not a number"),
        ({"pnl_pct": "1_5"}, "pnl_pct '1_5' is not a number"),
        ({"win": "0"}, "win disagrees with pnl_pct"),
        ({"pnl_pct": "0"}, "win disagrees with pnl_pct"),
        ({"win": "yes"}, "win 'yes' is neither 1 nor 0"),
        ({"f_atr": "high"}, "f_atr 'high' is not a number"),
        ({"note": "a,b"}, "11 cells under 10 columns"),
        ({"note": '"a"b'}, "its quotes do not match (',' expected after '\"')"),
    ],
)
def test_row_is_bad_with_its_reason_and_the_next_is_good(
    cells: dict[str, str], reason: str, file: Path
) -> None:
    found = read(file, row(**cells), row(trade_id="A2"))
    assert found.bad_rows == [BadRow(2, 2, reason)]
    assert [trade.trade_id for trade in found.trades] == ["A2"]


def test_trade_may_close_at_this_very_moment_and_be_decided_later_while_open(file: Path) -> None:
    later = row(trade_id="A2", decided_at="2024-03-02", closed_at="", pnl_pct="", win="")
    assert len(read(file, row(closed_at=NOW.isoformat()), later).trades) == 2


def test_row_is_bad_when_its_id_was_kept_before(file: Path) -> None:
    found = read(file, row(side="flat"), GOOD, GOOD)
    assert [trade.trade_id for trade in found.trades] == ["A1"]
    assert [str(bad) for bad in found.bad_rows[1:]] == ["line 4: trade_id is already on line 3"]


def test_lines_are_those_of_the_file_when_cells_hold_newlines_and_lines_are_blank(
    file: Path,
) -> None:
    found = read(file, row(note='"two\nlines"'), "", ",,,", row(trade_id="", note='"two\nlines"'))
    assert [trade.trade_id for trade in found.trades] == ["A1"]
    assert [str(bad) for bad in found.bad_rows] == ["lines 6-7: no trade_id"]


def test_quote_that_is_never_closed_names_the_lines_that_it_swallows(file: Path) -> None:
    found = read(file, GOOD, row(trade_id="A2", note='"oops'), row(trade_id="A3"))
    assert len(found.trades) == 1
    assert [str(bad) for bad in found.bad_rows] == [
        "lines 3-4: its quotes do not match (unexpected end of data)"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"\n\n", "the file is empty", id="blank lines"),
        pytest.param(
            b"trade_id,symbol,side,decided_at,f_x\n",
            "the header lacks: closed_at, pnl_pct",
            id="columns missing",
        ),
        pytest.param(
            b"trade_id;symbol;side\n",
            "the header lacks: trade_id, symbol, side, decided_at, closed_at, pnl_pct",
            id="semicolons",
        ),
        pytest.param(
            f"{HEADER},f_rsi,symbol\n".encode(),
            "the header names twice: f_rsi, symbol",
            id="columns twice",
        ),
        pytest.param(b'"trade_id"x,symbol\n', "the header is not CSV", id="quotes in header"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "not text in UTF-8", id="picture"),
        pytest.param(f"{HEADER}\n".encode("utf-16"), "not text in UTF-8", id="utf-16"),
        pytest.param(f"{HEADER}\n{GOOD}é\n".encode("latin-1"), "not text in UTF-8", id="latin-1"),
        pytest.param(f"{HEADER}\n{GOOD}\0\n".encode(), "NUL characters", id="nul"),
        pytest.param(gzip.compress(HEADER.encode())[:-9], "damaged gzip", id="gzip cut"),
        pytest.param(gzip.compress(b"x") + b"tail", "damaged gzip", id="gzip with a tail"),
        pytest.param(b"\x1f\x8b\x08" + bytes(60), "damaged gzip", id="gzip of zeros"),
        pytest.param(b"\x1f\x8b", "damaged gzip", id="gzip begun"),
    ],
)
def test_file_is_refused_when_it_cannot_be_read_as_a_whole(
    content: bytes, message: str, file: Path
) -> None:
    file.write_bytes(content)
    with pytest.raises(DataError) as refused:
        read_trades(file, NOW)
    assert message in str(refused.value)


def test_progress_adds_up_to_the_size_of_the_file(file: Path) -> None:
    file.write_bytes(gzip.compress("\n".join([HEADER, *[GOOD] * 5_000]).encode(), 0))
    steps: list[int] = []
    read_trades(file, NOW, steps.append)
    assert sum(steps) == file.stat().st_size
    assert len(steps) > 1


@given(st.binary())
def test_any_bytes_are_read_or_refused(fuzzed: Path, content: bytes) -> None:
    for bytes_ in content, gzip.compress(content), f"{HEADER}\n".encode() + content:
        fuzzed.write_bytes(bytes_)
        try:
            found = read_trades(fuzzed, NOW)
        except DataError:
            continue
        _assert_sane(found.trades)


@given(st.integers(min_value=2), st.integers(0, 255), st.booleans())
def test_damaged_gzip_is_read_or_refused(fuzzed: Path, position: int, byte: int, cut: bool) -> None:
    packed = bytearray(gzip.compress("\n".join([HEADER, GOOD]).encode(), mtime=0))
    position %= len(packed)
    packed[position:] = b"" if cut else bytes([byte]) + packed[position + 1 :]
    fuzzed.write_bytes(packed)
    try:
        _assert_sane(read_trades(fuzzed, NOW).trades)
    except DataError:
        return


CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.sampled_from([*GOOD.split(","), *MISSING, "short", "0", "-1e9", "1e999", "٣", "2023-12-31"]),
)
ROWS = st.lists(st.lists(CELLS, min_size=10, max_size=10), max_size=8)


@given(ROWS, st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_row_is_a_trade_or_bad_whatever_its_cells(
    fuzzed: Path, rows: list[list[str]], end: str
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
        [HEADER.split(","), *rows]
    )
    fuzzed.write_bytes(text.getvalue().encode())
    found = read_trades(fuzzed, NOW)
    filled = [cells for cells in rows if any(cell.strip() for cell in cells)]
    assert len(found.trades) + len(found.bad_rows) == len(filled)
    assert all(1 < bad.first_line <= bad.last_line for bad in found.bad_rows)
    _assert_sane(found.trades)


def _assert_sane(trades: Sequence[Trade]) -> None:
    assert len({trade.trade_id for trade in trades}) == len(trades)
    for trade in trades:
        json.dumps(trade.features, allow_nan=False)
        assert trade.decided_at.utcoffset() == timedelta(0)
        if trade.closed_at is None or trade.pnl_pct is None:
            assert (trade.closed_at, trade.pnl_pct) == (None, None)
        else:
            assert trade.decided_at <= trade.closed_at <= NOW
            assert math.isfinite(trade.pnl_pct)
