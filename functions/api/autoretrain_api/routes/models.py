"""Models: the history, one with its verdict, what a bot is to use, and putting one live by hand."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body as BodyParameter

from autoretrain.domain.models import MANIFEST_FILE, MODEL_FILE, REPORT_FILE
from autoretrain_api.allowed import Cursor, Id, Limit, Version, WithReport
from autoretrain_api.answers import ActiveModel, ModelPage, ModelReport, Strategy
from autoretrain_api.callers import Keeper, Reader
from autoretrain_api.described import BODY, CHECKED, CONFLICT, NAMED, described
from autoretrain_api.headers import JSON, unless_known
from autoretrain_api.log import tell
from autoretrain_api.people import people
from autoretrain_api.requests import ActivateRequest
from autoretrain_api.routes.strategies import strategy_now

URL_LIFETIME = timedelta(minutes=15)
PLAIN_ACTIVATION = ActivateRequest()

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/api/ai-strategies/<id>/models",
    **described("listModels", "The models, newest first", "models", refuses=NAMED + CHECKED),
)
def models(caller: Reader, strategy_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ModelPage:
    return ModelPage.of(people().reading.models(caller.user_id, strategy_id, limit, cursor))


@router.get(
    "/api/ai-strategies/<id>/models/<version>",
    **described("getModel", "A model with its verdict", "models", refuses=NAMED + CHECKED),
)
def model(
    caller: Reader, strategy_id: Id, version: Version, report: WithReport = False
) -> ModelReport:
    row = people().reading.model(caller.user_id, strategy_id, version)
    links = _links(row.artifact_key, manifest_url=MANIFEST_FILE, report_url=REPORT_FILE)
    found = people().reports.of(row.artifact_key, row.manifest_sha256) if report else None
    return ModelReport.model_validate(row._asdict() | links | {"report": found})


@router.post(
    "/api/ai-strategies/<id>/models/<version>/activate",
    **described(
        "activateModel",
        "Roll back to a version, which pins it, or approve the waiting one",
        "models",
        refuses=NAMED + BODY + CONFLICT,
    ),
)
def activate(
    caller: Keeper,
    strategy_id: Id,
    version: Version,
    body: Annotated[ActivateRequest, BodyParameter()] = PLAIN_ACTIVATION,
) -> Strategy:
    people().control.activate(
        caller.user_id, strategy_id, version, force=body.force, why=body.reason or ""
    )
    tell("activate", caller, strategy_id=strategy_id, version=version, force=body.force)
    return strategy_now(caller, strategy_id)


@router.post(
    "/api/ai-strategies/<id>/unpin",
    **described(
        "unpinModel",
        "Let the gate decide again what is active",
        "models",
        refuses=NAMED + BODY,
    ),
)
def unpin(caller: Keeper, strategy_id: Id) -> Strategy:
    people().control.unpin(caller.user_id, strategy_id)
    tell("unpin", caller, strategy_id=strategy_id)
    return strategy_now(caller, strategy_id)


@router.get(
    "/api/ai-strategies/<id>/active-model",
    **described(
        "getActiveModel",
        "What a bot is to use now; poll it with `If-None-Match`",
        "models",
        answers={200: "The active model", 304: "Nothing has changed since that ETag"},
        refuses=NAMED + CHECKED,
        middlewares=[unless_known],
    ),
)
def active_model(caller: Reader, strategy_id: Id) -> Response[ActiveModel]:
    row = people().reading.active_model(caller.user_id, strategy_id)
    told = ActiveModel(
        **{name: value for name, value in row._asdict().items() if name != "artifact_key"},
        **_links(row.artifact_key, model_url=MODEL_FILE, manifest_url=MANIFEST_FILE),
    )
    return Response(200, JSON, told, {"ETag": _etag(told)})


def _links(artifact_key: str | None, **files: str) -> dict[str, Any]:
    """An address for each of the artifact's files, all None where there is no artifact."""
    if artifact_key is None:
        return dict.fromkeys([*files, "url_expires_at"])
    seconds = int(URL_LIFETIME.total_seconds())
    urls = {
        name: people().links.url(f"{artifact_key}/{file}", seconds) for name, file in files.items()
    }
    return urls | {"url_expires_at": datetime.now(UTC) + URL_LIFETIME}


def _etag(told: ActiveModel) -> str:
    """Changes with whatever changes what a bot does; the URLs differ every time."""
    base_rate = None if told.base_rate is None else round(told.base_rate, 4)
    expires_at = told.expires_at and told.expires_at.isoformat()
    content = [told.version, told.sha256, told.manifest_sha256, told.expired, expires_at, base_rate]
    return f'"{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]}"'
