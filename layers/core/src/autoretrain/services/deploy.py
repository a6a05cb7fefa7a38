"""What a deployment does beyond creating AWS's own resources: the database's schema comes along,
and Fargate gets the very image that was built for the trainer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autoretrain.errors import ContractError, OperatorError

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
    r"/(?P<repository>[a-z0-9._/-]+)@sha256:[0-9a-f]{64}"
)


class Schema(Protocol):
    """The database's schema."""

    @property
    def version(self) -> str:
        """The number of the newest migration that this code brings, such as 0005."""

    def migrate(self) -> Sequence[str]:
        """Bring the schema up to date, all of it or nothing; returns what the user may want to do.

        Raises OperatorError, ContractError naming a missing column, DatabaseUnavailable.
        """

    def missing(self) -> Sequence[str]:
        """The migrations that were never applied. Raises ContractError, DatabaseUnavailable."""


class Images(Protocol):
    """The images of functions."""

    def image_of(self, version_arn: str) -> str:
        """The image, by digest, of a function's published version.

        Raises OperatorError, DependencyError.
        """


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deployment did, in words, and what other resources may refer to."""

    line: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything may be asked for again: what is done already stays as it is."""

    schema: Schema
    images: Images

    def database_schema(self, *, migrate: bool) -> Deployed:
        """Raises OperatorError, ContractError, DatabaseUnavailable."""
        advice = self.schema.migrate() if migrate else self._only_check()
        line = "; ".join([f"the schema is at {self.schema.version}", *advice])
        return Deployed(line, {"SchemaVersion": self.schema.version})

    def _only_check(self) -> Sequence[str]:
        missing = self.schema.missing()
        if missing:
            raise ContractError(
                f"the database lacks {', '.join(missing)} and MigrateDatabase is false: run"
                " `autoretrain migrate --database-url URL` with a login that may change the"
                " schema, or deploy with MigrateDatabase=true"
            )
        return ()

    def trainer_image(self, version_arn: str) -> Deployed:
        """Raises OperatorError, DependencyError."""
        uri = self.images.image_of(version_arn)
        attributes = {"ImageUri": uri, "RepositoryArn": repository_arn(version_arn, uri)}
        return Deployed(f"the trainer runs {uri}", attributes)


def repository_arn(version_arn: str, image_uri: str) -> str:
    """The image's repository, in the partition of the function. Raises OperatorError."""
    found = _ECR_IMAGE.fullmatch(image_uri)
    if found is None:
        raise OperatorError(
            f"the trainer's image {image_uri} is not one of ECR by digest: let `sam build` and"
            " `sam deploy` build and push it"
        )
    partition = version_arn.split(":")[1]
    return (
        f"arn:{partition}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"
    )
