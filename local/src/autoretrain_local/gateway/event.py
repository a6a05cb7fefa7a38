"""Builds the events of payload format 2.0 that API Gateway sends to functions and authorizers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from autoretrain_local.endpoints import ACCOUNT, REGION

Event = dict[str, Any]

_API_ID = "local"
_OF_THIS_HOP = {"connection", "cookie", "expect", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query as they were sent; `headers` are in the order they came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    source_ip: str = "127.0.0.1"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """All values of the header, as API Gateway joins them; empty where there is none."""
        return _joined(self.headers).get(name.lower(), "")


def event_of(request: Request, route_key: str, parameters: Mapping[str, str]) -> Event:
    """What the function of a route gets; the path is decoded, as it is on AWS."""
    query = _joined(parse_qsl(request.query, keep_blank_values=True), lower=False)
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        **({"cookies": cookies} if (cookies := _cookies(request)) else {}),
        "headers": _headers(request),
        **({"queryStringParameters": query} if query else {}),
        "requestContext": _context(request, route_key, datetime.now(UTC)),
        **({"pathParameters": dict(parameters)} if parameters else {}),
        **_body(request.body),
    }


def authorizer_event_of(event: Event, identity: str) -> Event:
    """The same request as the authorizer gets it: without its body.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """
    kept = {name: value for name, value in event.items() if name not in _BODY}
    method, path = event["requestContext"]["http"]["method"], event["rawPath"]
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{_API_ID}/$default/{method}{path}"
    return kept | {"type": "REQUEST", "routeArn": arn, "identitySource": [identity]}


_BODY = {"body", "isBase64Encoded"}


def _context(request: Request, route_key: str, now: datetime) -> Event:
    return {
        "accountId": ACCOUNT,
        "apiId": _API_ID,
        "domainName": "localhost",
        "domainPrefix": "localhost",
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.header("User-Agent"),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": route_key,
        "stage": "$default",
        "time": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _headers(request: Request) -> dict[str, str]:
    own = (("x-forwarded-for", request.source_ip), ("x-forwarded-proto", "http"))
    kept = (pair for pair in request.headers if pair[0].lower() not in _OF_THIS_HOP)
    return _joined((*kept, *own))


def _cookies(request: Request) -> list[str]:
    found = [value for name, value in request.headers if name.lower() == "cookie"]
    return [part.strip() for value in found for part in value.split(";") if part.strip()]


def _joined(pairs: Iterable[tuple[str, str]], lower: bool = True) -> dict[str, str]:
    """One value for each name; those of a repeated name are joined by commas."""
    found: dict[str, str] = {}
    for given, value in pairs:
        name = given.lower() if lower else given
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(raw: bytes) -> Event:
    if not raw:
        return {"isBase64Encoded": False}
    try:
        return {"body": raw.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
