"""`python -m tests.load`: says whether the busiest hour keeps its promises; exits 1 where not."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from autoretrain_local.postgres import PostgresServer
from tests.load.figures import lines, promises, to_json
from tests.load.hour import Hour, Sizes, play


def main() -> int:
    asked = _asked()
    sizes = Sizes(asked.strategies, asked.clients, asked.minutes, asked.calls_per_second)
    with TemporaryDirectory(prefix="load-") as folder:
        data = Path(folder)
        with PostgresServer(data / "postgres") as server:
            hour = play(server.url(), data, sizes)
    sys.stdout.writelines(f"{line}\n" for line in lines(hour))
    if asked.figures:
        _note(asked.figures, hour)
    return 0 if all(holds for _, holds in promises(hour)) else 1


def _asked() -> argparse.Namespace:
    usual = Sizes()
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--strategies", type=int, default=usual.strategies)
    parser.add_argument("--clients", type=int, default=usual.clients)
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--calls-per-second", type=float, default=usual.calls_per_second)
    parser.add_argument("--figures", type=Path, help="note them in this JSON file, under `load`")
    return parser.parse_args()


def _note(file: Path, hour: Hour) -> None:
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | {"load": to_json(hour)}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
