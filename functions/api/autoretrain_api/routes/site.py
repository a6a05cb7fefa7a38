"""What anybody may have: health, the contract, and the console's files, which carry no data."""

from __future__ import annotations

import mimetypes
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as PathParameter

from autoretrain.errors import OperatorError, Unknown
from autoretrain.services.health import Problem
from autoretrain_api.answers import Failure, HealthReport
from autoretrain_api.described import NAMED, described, refused
from autoretrain_api.headers import JSON
from autoretrain_api.people import people
from autoretrain_api.refusals import RETRY_AFTER_SECONDS, said_openly

FILES = Path(__file__).parents[2]
CONSOLE = FILES / "console"
CONSOLE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none';"
    " require-trusted-types-for 'script'"
)

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/health",
    **described(
        "getHealth",
        "Whether everything works",
        "site",
        answers={200: "All is well", 503: refused(503, "HealthReport", "GatewayError")},
        is_open=True,
    ),
)
def health() -> Response[HealthReport]:
    problems = _problems()
    report = HealthReport(
        ok=not problems,
        version=version("autoretrain"),
        problems=[Failure.of(problem) for problem in problems],
    )
    if problems:
        return Response(503, JSON, report, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return Response(200, JSON, report)


def _problems() -> list[Problem]:
    try:
        return people().health.problems()
    except OperatorError as exc:
        return [Problem(exc.code, said_openly(exc))]


def _file_route(operation_id: str, summary: str, media_type: str, *refuses: int) -> dict[str, Any]:
    """Powertools would read the bytes of an image as text where it validates."""
    answer = {"description": summary, "content": {media_type: {"schema": {}}}}
    return described(
        operation_id,
        summary,
        "site",
        answers={200: answer},
        refuses=refuses,
        is_open=True,
        enable_validation=False,
    )


@router.get("/", **_file_route("getConsole", "The console's page", "text/html"))
def console() -> Response[Any]:
    return _file(CONSOLE / "index.html")


@router.get("/assets/<file>", **_file_route("getAsset", "A file of the console", "*/*", *NAMED))
def asset(file: Annotated[str, PathParameter()]) -> Response[Any]:
    folder = CONSOLE / "assets"
    found = folder.iterdir() if folder.is_dir() else ()
    # Compared by name and never joined to a path: nothing outside of the folder has a name here.
    path = next((path for path in found if path.name == file and path.is_file()), None)
    if path is None:
        raise Unknown("file")
    return _file(path)


@router.get("/openapi.json", **_file_route("getContract", "This contract, OpenAPI 3.1", JSON))
def contract() -> Response[Any]:
    return Response(200, JSON, (FILES / "openapi.json").read_text(), {"Cache-Control": "no-cache"})


def _file(path: Path) -> Response[Any]:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": CONSOLE_POLICY}
    if media_type.startswith("text/"):
        return Response(200, f"{media_type}; charset=utf-8", path.read_text(), headers)
    return Response(200, media_type, path.read_bytes(), headers)
