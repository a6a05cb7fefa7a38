"""What anybody may have: health, the contract, and the console's files, which carry no data."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path as PathParameter

from autoretrain.errors import OperatorError
from autoretrain.services.health import Problem
from autoretrain_api.answers import Failure, HealthReport
from autoretrain_api.console import FOR_EVER
from autoretrain_api.described import NAMED, described, refused
from autoretrain_api.headers import JSON, unless_known
from autoretrain_api.people import console, people
from autoretrain_api.refusals import RETRY_AFTER_SECONDS, said_openly

CONTRACT = Path(__file__).parents[2] / "openapi.json"

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


def _file_route(
    operation_id: str, summary: str, media_type: str, refuses: tuple[int, ...] = (), **route: Any
) -> dict[str, Any]:
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
        **route,
    )


@router.get(
    "/",
    **_file_route("getConsole", "The console's page", "text/html", middlewares=[unless_known]),
)
def page() -> Response[Any]:
    served = console()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": served.policy,
        "ETag": served.etag,
    }
    return Response(200, "text/html; charset=utf-8", served.page, headers)


@router.get(
    "/assets/<file>", **_file_route("getAsset", "A file of the console", "*/*", refuses=NAMED)
)
def asset(request: Request, file: Annotated[str, PathParameter()]) -> Response[Any]:
    found = console().asset(file, request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if found.encoding:
        headers["Content-Encoding"] = found.encoding
    return Response(200, found.media_type, found.content, headers)


@router.get("/openapi.json", **_file_route("getContract", "This contract, OpenAPI 3.1", JSON))
def contract() -> Response[Any]:
    return Response(200, JSON, CONTRACT.read_text(), {"Cache-Control": "no-cache"})
