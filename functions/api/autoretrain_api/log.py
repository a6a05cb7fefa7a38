"""Who asked for what: one line for every call that changes something, never a token."""

from __future__ import annotations

from aws_lambda_powertools import Logger

from autoretrain.domain.access import Caller
from autoretrain.logs import RedactingFormatter

logger = Logger(logger_formatter=RedactingFormatter())


def tell(what: str, caller: Caller, **ids: object) -> None:
    who = {"user_id": caller.user_id, "kind": caller.kind, "token_id": caller.token_id}
    told = {"what": what, **who, **{name: value for name, value in ids.items() if value}}
    logger.info("auto-retrain request", extra=told)
