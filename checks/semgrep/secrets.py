"""One bad line for every pattern of secrets.yaml, and a good one beside it."""

import os
from dataclasses import dataclass


def secrets():
    # ruleid: no-secret-in-environment
    os.environ["DB_PASSWORD"]
    # ruleid: no-secret-in-environment
    os.environ.get("JWT_SECRET")
    # ruleid: no-secret-in-environment
    os.environ.get("DATABASE_URL", "")
    # ruleid: no-secret-in-environment
    os.getenv("BROKER_API_KEY")
    # ok: no-secret-in-environment
    return os.environ["DATABASE_SECRET_ARN"]


# ruleid: no-secret-in-settings
@dataclass
class BadSettings:
    model_bucket: str
    db_password: str


# ok: no-secret-in-settings
@dataclass
class GoodSettings:
    model_bucket: str
    database_secret_arn: str
