"""Good and bad days on the way to AWS: what becomes of each request that boto3 sends, its own
retries included."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from tests.faults.offers import session

BUSY = 503


class Sky(StrEnum):
    """What becomes of a request. Lost: AWS does it, and its answer never comes."""

    CLEAR = "clear"
    BUSY = "busy"
    SILENT = "silent"
    LOST = "lost"


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass
class Weather:
    """`sent` are the requests by service and operation, `pauses` the seconds waited before each
    retry; `forecast` is for the next requests, and the sky is clear after it."""

    sent: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    forecast: deque[Sky] = field(default_factory=deque)
    _session: URLLib3Session = field(default_factory=URLLib3Session)

    def expect(self, *skies: Sky) -> None:
        self.forecast.extend(skies)

    def meets(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        """What botocore asks before it sends; None lets it send."""
        self.sent.append(event_name.removeprefix("before-send."))
        sky = self.forecast.popleft() if self.forecast else Sky.CLEAR
        if sky is Sky.CLEAR:
            return None
        if sky is Sky.BUSY:
            body = _Body(
                b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
            )
            return AWSResponse(request.url, BUSY, HTTPHeaders(), body)
        if sky is Sky.LOST:
            self._session.send(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    def close(self) -> None:
        self._session.close()


@contextmanager
def weather() -> Iterator[Weather]:
    """Over every client that is made meanwhile; retries do not really wait."""
    above = Weather()
    boto3.setup_default_session(botocore_session=session())
    assert boto3.DEFAULT_SESSION is not None
    meets: Any = above.meets
    boto3.DEFAULT_SESSION.events.register("before-send", meets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=above.pauses.append))
        yield above
    above.close()
    boto3.DEFAULT_SESSION = None
