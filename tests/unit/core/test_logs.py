from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools import Logger
from hypothesis import assume, given
from hypothesis import strategies as st

from autoretrain.domain.access import ID_CHARACTERS, make_token
from autoretrain.logs import _SECRETS, _TRACES, REDACTED, RedactingFormatter, redact
from tests.signers import signed

TOKEN = make_token("abcdefgh", bytes(range(32)))
FUNCTIONS = Path(__file__).parents[3] / "functions"
CONFIGURED = "logger_formatter=RedactingFormatter()"
DSN = "postgresql://me:hunter2@db.example.com:5432/postgres"


@pytest.fixture
def lines() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger(lines: io.StringIO) -> Iterator[Logger]:
    name = f"test-{uuid4()}"
    yield Logger(service=name, stream=lines, logger_formatter=RedactingFormatter())
    logging.getLogger(name).handlers.clear()


def test_every_function_and_the_trainer_log_through_it() -> None:
    sources = [path.read_text() for path in FUNCTIONS.rglob("*.py") if path.is_file()]
    made = sum(len(re.findall(r"\bLogger\(", source)) for source in sources)

    assert made >= 6
    assert made == sum(source.count(f"Logger({CONFIGURED})") for source in sources)


def told(lines: io.StringIO) -> Any:
    return json.loads(lines.getvalue())


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"cannot reach {DSN}", "cannot reach postgresql://[redacted]@db.example.com:5432/postgres"),
        ("redis://:hunter2@cache/0 is full", "redis://[redacted]@cache/0 is full"),
        ("postgres://me:hun@ter/2@db", "postgres://[redacted]@db"),
        ("postgresql//me:hunter2@db", "postgresql//[redacted]@db"),
        (f"'{DSN}' and '{DSN}'".replace("example.com", "x"), None),
        (f"Bearer {TOKEN.text} is refused", "Bearer arp_abcdefgh_[redacted] is refused"),
        (f"arp_{TOKEN.secret}", "arp_[redacted]"),
        (f"token={TOKEN.text}&x=1", "token=arp_abcdefgh_[redacted]&x=1"),
        (f"Bearer {signed()}!", "Bearer [redacted]!"),
        ("host=db password=hunter2 dbname=x", "host=db password=[redacted] dbname=x"),
        ("host=db password = hunter2 dbname=x", "host=db password = [redacted] dbname=x"),
        (r"password='hun\'ter 2' user=me", "password=[redacted] user=me"),
        ("PASSWORD=hunter2", "PASSWORD=[redacted]"),
        ("pa\u017fsword=hunter2", "pa\u017fsword=[redacted]"),
        ("?user=me&password=hunter2&sslmode=require", None),
        ('{"jwt_secret": "hun\\"ter2", "n": 1}', '{"jwt_secret": [redacted], "n": 1}'),
        ("PGPASSWORD=hun,ter'2&x y", "PGPASSWORD=[redacted] y"),
        ("{'password': 'hunter2', 'user': 'me'}", "{'password': [redacted], 'user': 'me'}"),
    ],
)  # fmt: skip
def test_secret_is_replaced_and_the_rest_stays(text: str, redacted: str | None) -> None:
    if redacted is not None:
        assert redact(text) == redacted
    assert "hunter2" not in redact(text)


@pytest.mark.parametrize("secret", [secret for secret, _ in _SECRETS])
@given(st.data())
def test_every_secret_leaves_one_of_the_traces_that_are_looked_for(
    secret: re.Pattern[str], data: st.DataObject
) -> None:
    found = data.draw(st.from_regex(secret))
    assert _TRACES.search(found.casefold())


@pytest.mark.parametrize(
    "text",
    [
        "auto-retrain decision",
        "missing settings: DATABASE_SECRET_ARN: set them in the environment",
        "the database secret DATABASE_SECRET_ARN cannot be read (AccessDeniedException): check",
        "see https://project.supabase.co/auth/v1/.well-known/jwks.json",
        "2026-03-02T12:00:00+00:00 run 7c9e6679-7425-40de-944b-e07fc1f90afe v12 0.6831",
        'FATAL: password authentication failed for user "me"',
        "arn:aws:ecs:eu-central-1:123456789012:task/auto-retrain/0123456789abcdef",
        "models/a/b/c/0123456789abcdef/manifest.json they.say",
    ],
)
def test_text_without_a_secret_is_left_alone(text: str) -> None:
    assert redact(text) == text


SECRET = st.text(ID_CHARACTERS, min_size=12, max_size=40)
AROUND = st.text(st.characters(exclude_characters="/"), max_size=20)


@given(AROUND, AROUND, SECRET, st.text(max_size=10))
def test_no_secret_survives_whatever_stands_around_it(
    before: str, after: str, secret: str, odd: str
) -> None:
    assume(secret not in before + after)
    token = make_token("abcdefgh", secret.encode().ljust(32)[:32])
    for hidden, shapes in (
        (secret, (f"postgresql://me:{secret}{quote(odd, safe='')}@db", f"password={secret}")),
        (token.secret, (token.text, f"Bearer {token.text}")),
    ):
        for shape in shapes:
            assert hidden not in redact(f"{before} {shape} {after}")


def test_error_that_holds_a_connection_string_is_logged_without_it(
    logger: Logger, lines: io.StringIO
) -> None:
    cause = ValueError(f"no answer from {DSN}")
    error = RuntimeError("cannot connect")
    error.add_note("with password=hunter2")
    error.__cause__ = cause

    logger.error("auto-retrain failed", exc_info=error)

    assert "hunter2" not in lines.getvalue()
    fact = told(lines)
    assert fact["message"] == "auto-retrain failed"
    assert fact["exception_name"] == "RuntimeError"
    assert f"no answer from postgresql://{REDACTED}@db.example.com" in fact["exception"]


def test_every_corner_of_a_line_is_redacted(logger: Logger, lines: io.StringIO) -> None:
    logger.append_keys(kept=TOKEN.text)
    logger.error(
        "login %s",
        DSN,
        extra={
            "why": ValueError(DSN),
            "nested": {"deep": [{"deeper": (DSN, {DSN})}], DSN: 1},
            "raw": DSN.encode(),
        },
    )

    assert "hunter2" not in lines.getvalue()
    assert TOKEN.secret not in lines.getvalue()
    assert told(lines)["kept"] == "arp_abcdefgh_[redacted]"


def test_message_that_is_json_is_redacted(logger: Logger, lines: io.StringIO) -> None:
    logger.info(json.dumps({"url": DSN, "jwt_secret": "s", "DB_PASSWORD": "s", "n": 1}))

    hidden = {"jwt_secret": REDACTED, "DB_PASSWORD": REDACTED}
    assert told(lines)["message"] == {"url": redact(DSN), "n": 1} | hidden


def test_line_keeps_what_it_tells(logger: Logger, lines: io.StringIO) -> None:
    facts = {
        "run_id": UUID(int=7),
        "n": 3,
        "share": 0.5,
        "live": True,
        "none": None,
        "list": [1, "a"],
    }

    logger.info("auto-retrain decision", extra=facts)

    fact = told(lines)
    expected = facts | {"run_id": str(UUID(int=7))}
    assert {name: fact[name] for name in facts if name != "none"} == {
        name: value for name, value in expected.items() if name != "none"
    }
    assert fact["level"] == "INFO"
    assert fact["service"].startswith("test-")
    assert fact["timestamp"]
