"""Every fault (F) and every bad input (B) that the documentation makes a promise about; a test
carries a row by `@row("F12")`, and several may carry the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

MARKER = "row"


class Row(NamedTuple):
    """`injected` is what is done to the product, `holds` what a user may rely on then."""

    name: str
    injected: str
    holds: str


_FAULTS = [
    ("the hourly tick is delivered twice", "one run per strategy and hour"),
    ("20 dispatchers tick at once", "one run per strategy, and no error in any log"),
    (
        "the dispatcher is killed after it has sent k of n checks, for every k",
        "Lambda's retry or the next tick sends the rest; nothing is trained twice",
    ),
    ("one condition check is delivered three times", "one run"),
    (
        "a condition check arrives two hours late",
        "dropped as stale: the next tick has been, or comes",
    ),
    (
        "the condition check dies between claim and RunTask",
        (
            "a run still `queued` is launched by the next tick; one already `starting` is queued"
            " again after 10 minutes, as its next attempt"
        ),
    ),
    (
        "RunTask starts the task, and its answer is lost",
        "asked again with the same token, ECS names the same task: one task",
    ),
    (
        "RunTask answers 200 with `failures` and no task",
        (
            "the run is queued again with the reason, and launched by a later tick; the failed"
            " launch is counted"
        ),
    ),
    (
        "no capacity, three launches in a row",
        (
            "launches stop but for a probe every ten minutes; no strategy's failure is counted; the"
            " first trainer that begins ends it"
        ),
    ),
    ("RunTask is throttled, then works", "asked again after a pause: launched once"),
    (
        "RunTask is refused: AccessDenied, or a bad task definition",
        (
            "the run fails as `launch_config` with what AWS said, counts against no strategy, and"
            " stops all launches but for a probe every ten minutes"
        ),
    ),
    ("RunTask answers ConflictException", "the task that it names is taken for the run's"),
    (
        "the database is lost between RunTask and the note of its task",
        (
            "the trainer begins and says who it is; where it is slow, the tick finds the task by"
            " its attempt and waits for it"
        ),
    ),
    (
        "the task never starts: image or secret missing",
        "queued again at once with ECS's reason; the third time in a row the run fails",
    ),
    (
        "SIGTERM to the trainer at each of its steps, before and after every commit",
        "the same run is queued again as `interrupted`, or has succeeded; never half",
    ),
    (
        "SIGKILL to the trainer at each of its steps, before and after every commit",
        "the same run is queued again as `lost` and trained; the active model stays meanwhile",
    ),
    (
        "the trainer runs out of memory",
        "the run fails as `out_of_memory` and says to raise TrainerMemory; the strategy rests",
    ),
    (
        "heartbeats are held up for five minutes while the trainer goes on",
        "the run is given to another trainer; what the first one then publishes is refused",
    ),
    ("two trainers publish one run in the same moment", "one model, one activation"),
    ("S3 answers 503 twice, or not in time", "asked again under the same key: one object"),
    (
        "S3 says that the key exists: with the same bytes, with others",
        "taken for written; refused as `artifact_corrupt`, and what was there stays",
    ),
    (
        "the trainer dies between S3 and the database",
        "a file that no row names; the active model stays, and the run is trained again",
    ),
    (
        "the connection is lost during the COMMIT of a publication, done or not",
        "the books are read again and decide: one model, never two",
    ),
    (
        "the database is down at a tick, at a publication",
        (
            "the tick fails and is retried, nothing is claimed; the publication is tried until the"
            " lease is nearly over, then the run is trained again"
        ),
    ),
    (
        "the database has no connection left",
        "503 with Retry-After from the API; the condition check fails, and Lambda retries it",
    ),
    (
        "reading the trades takes longer than the statement timeout",
        (
            "the run is queued again, and says which command names the missing index; the third"
            " time in a row it fails and the strategy rests"
        ),
    ),
    ("a deadlock, a serialization failure", "the transaction is run again, three times at most"),
    (
        "the database password is rotated",
        "the next connection reads the secret anew; where that is wrong too, one clear error",
    ),
    (
        "events of ECS: STOPPED before RUNNING, twice, and after the run has succeeded",
        "the run ends once; what has succeeded stays so",
    ),
    (
        "a function thaws with a dead connection",
        "one reconnect, and the request succeeds",
    ),
    (
        "the new model is worse, equal, not a number, or the first",
        (
            "kept inactive; kept inactive; the run fails as `invalid_metric`; activated if it beats"
            " having no model"
        ),
    ),
    (
        "the active model's file is missing or corrupt",
        (
            "the run fails, `baseline_unreadable` or `artifact_corrupt`, and is told of; nothing is"
            " activated over what cannot be compared"
        ),
    ),
    (
        "the strategy is deleted or changes hands during its training",
        "no model row, nothing activated; for a new owner the run is trained again",
    ),
    ("a request to train races the hourly tick", "one run, and the request is told its id"),
    (
        "five trainings in a row fail",
        "rest of 1, 2, 4, 8 hours, then paused until resumed; the API shows why and until when",
    ),
    ("the trainer's clock is ten minutes off", "no effect: leases go by the database's clock"),
    (
        "whom notifications go to does not answer",
        "they wait in the outbox and are sent later, once; no run is touched",
    ),
    (
        "a new image is deployed while a run is running",
        "the run ends on the image that it began with, and says which: its digest",
    ),
]
_BAD_INPUTS = [
    ("no Authorization; `Bearer` alone; `Basic …`", "401 without a token, 403 for one refused"),
    ("a valid token, somebody else's strategy", "404, the same body as for none at all"),
    ("a web token: expired, `alg: none`, HS256 for RS256, wrong audience or issuer", "403"),
    ("a token revoked a moment ago", "403 as soon as the cache of answers (60 s) is over"),
    ('a body that is missing, `[]`, `"x"`, `null`', "422"),
    ("a body that is not JSON, or begins with a BOM", "422 `json_invalid`"),
    ("a body of more than 64 KB", "413 before it is parsed"),
    ("20,000 × `[`", "400"),
    ("an integer of 5,000 digits", "400"),
    ("the integer 2^70", "422"),
    ("NaN, Infinity, 1e999 for a number", "422"),
    ("a NUL character", "422"),
    ("half of a surrogate pair", "422"),
    ('`"yes"` for true, `"1"` for a number', "422"),
    ("a field that nobody knows", "422"),
    ("one key twice", "400"),
    ("another content type; none", "415; taken for JSON"),
    ("rubbish for base64", "400"),
    ("SQL for an id", "422, and the database is untouched"),
    ("`%2e%2e%2f`, `%00`, spaces for an id", "422"),
    ("an id of 10 KB", "422 or 414"),
    ("a method that the route does not have", "404 in API Gateway's own words"),
    ("an Idempotency-Key that is empty, too long, not ASCII", "422"),
    ("one Idempotency-Key for two requests", "409"),
    (
        "a strategy without trades, of one class, with constant features",
        "the run succeeds with verdict `insufficient_data`, the counts and the minimum",
    ),
    (
        "trades with NULL, NaN or infinite outcome, of the future, twice, closed before decided",
        "dropped and counted; more than 20 % of them fail the run with the counts",
    ),
    ("features that a model does not know or that are missing", "scored by name as documented"),
    ("settings of a strategy that are malformed, or 1 MB", "refused, and the field is named"),
    ("hyper-parameters", "refused: there are none to be set"),
    (
        "a strategy called `<script>`, `=cmd`, right to left, emoji",
        "stored and shown as text; a log line stays one line of JSON",
    ),
    ("a webhook", "refused: there are none"),
    (
        "a model file that is empty, truncated, another's, one digit off",
        "its sha256 differs: refused before LightGBM sees it",
    ),
    ("limit −1 or 10^9, a forged page cursor", "422"),
    ("an event of an unknown kind, malformed, without detail", "ignored and counted"),
    (
        "a setting that is missing or bad at cold start",
        "one error that names it, never its value; `/health` says 503",
    ),
]


def _numbered(letter: str, rows: list[tuple[str, str]]) -> list[Row]:
    return [Row(f"{letter}{number}", *told) for number, told in enumerate(rows, start=1)]


ROWS = {row.name: row for row in [*_numbered("F", _FAULTS), *_numbered("B", _BAD_INPUTS)]}


def row(*names: str) -> Callable[[Any], Any]:
    """Say that the test carries these rows. Raises KeyError for one that is not there."""
    return pytest.mark.row(*[ROWS[name].name for name in names])
