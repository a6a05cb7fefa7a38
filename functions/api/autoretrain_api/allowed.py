"""The values that a request may hold, each with the words that a refusal says it in."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from autoretrain.domain.access import Scope

UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
TEXT_PATTERN = r"^[^\x00-\x1f\x7f]*$"


def says(what: str) -> WrapValidator:
    """A refused value is answered with what is allowed in its place."""

    def validate(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("allowed", "must be {what}", {"what": what}) from None

    return WrapValidator(validate)


def _spelled_out(value: object) -> object:
    # One spelling only: Python would also take braces, urn:uuid: and no hyphens.
    if not isinstance(value, str) or not re.fullmatch(UUID_PATTERN, value):
        raise ValueError
    return UUID(value)


Uuid = Annotated[
    UUID,
    BeforeValidator(_spelled_out),
    says("a UUID like 123e4567-e89b-12d3-a456-426614174000"),
    WithJsonSchema({"type": "string", "format": "uuid", "pattern": UUID_PATTERN}),
]
Id = Annotated[Uuid, Path(alias="id")]
TokenId = Annotated[
    str, Field(pattern="^[a-z0-9]{8}$"), says("8 letters or digits"), Path(alias="id")
]
Version = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{1,64}$"),
    says("1 to 64 letters, digits, dots, underscores or hyphens"),
    Path(),
]

Limit = Annotated[
    int, Field(ge=1, le=200), says("a whole number from 1 to 200"), Query(description="Page size")
]
Cursor = Annotated[
    str | None,
    Field(pattern=r"^[A-Za-z0-9_=.-]{1,512}$"),
    says("the `next` of the page before"),
    Query(description="Where the page begins: the `next` of the page before"),
]
Search = Annotated[
    str,
    Field(max_length=200, pattern=TEXT_PATTERN),
    says("at most 200 characters, none of them a control character"),
    Query(description="Part of the name, in any case"),
]
Sort = Annotated[Literal["name", "-name", "trained_at", "-trained_at"], Query()]
WithReport = Annotated[
    bool,
    Query(alias="report", description="Whether the answer holds the model's report too"),
]
Weeks = Annotated[int, Field(ge=1, le=104), says("a whole number from 1 to 104"), Query()]

Prefer = Annotated[
    str,
    Header(description="`wait=N` waits up to N seconds, at most 25, for the run to end (RFC 7240)"),
]
IdempotencyKey = Annotated[
    str | None,
    Field(pattern="^[!-~]{1,128}$"),
    says("1 to 128 visible ASCII characters"),
    Header(
        alias="Idempotency-Key",
        description="The same key and the same body ask for the same run, however often",
    ),
]

MinTrades = Annotated[int, Field(ge=60, le=1_000_000), says("a whole number from 60 to 1000000")]
NewTrades = Annotated[int, Field(ge=1, le=1000), says("a whole number from 1 to 1000")]
Ratio = Annotated[float, Field(gt=0, le=1), says("a number above 0, at most 1")]
Window = Annotated[int, Field(ge=30, le=1000), says("a whole number from 30 to 1000")]
FewTrades = Annotated[int, Field(ge=10, le=1000), says("a whole number from 10 to 1000")]
Days = Annotated[float, Field(gt=0, le=3650), says("a number above 0, at most 3650")]
WholeDays = Annotated[int, Field(ge=1, le=3650), says("a whole number from 1 to 3650")]
Psi = Annotated[float, Field(gt=0, le=10), says("a number above 0, at most 10")]
Weight = Annotated[float, Field(ge=0, le=3), says("a number from 0 to 3")]
FeatureName = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=TEXT_PATTERN),
    says("a name of 1 to 200 characters, none of them a control character"),
]
FeatureWeights = Annotated[dict[FeatureName, Weight], Field(max_length=500)]
FeatureNames = Annotated[list[FeatureName], Field(max_length=500)]
Reason = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=TEXT_PATTERN),
    says("1 to 500 characters, none of them a control character"),
]
TokenName = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=TEXT_PATTERN),
    says("1 to 100 characters, none of them a control character"),
]
Scopes = Annotated[
    list[Annotated[Scope, Field(strict=False)]],
    Field(min_length=1, max_length=3),
    says(f"a list of {', '.join(Scope)}, at least one of them"),
]
