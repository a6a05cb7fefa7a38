"""What the services need of the world, named after the need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol
from uuid import UUID

from autoretrain.domain.access import ApiToken, Caller, KnownToken, Scope, TokenRow
from autoretrain.domain.conditions import Decision
from autoretrain.domain.json import Json
from autoretrain.domain.models import Assignment, Challenger, Declined, Lesson, Snapshot
from autoretrain.domain.notifications import Notification
from autoretrain.domain.runs import Ending, Status
from autoretrain.domain.work import (
    Attempt,
    Claimed,
    ClaimRequest,
    DueStrategy,
    Idempotency,
    Launch,
    LiveRun,
    NotClaimed,
    NotLaunched,
    PausedStrategy,
    Progress,
    Published,
    TickSummary,
)


class Clock(Protocol):
    """The time that decisions and trainings happen at. Leases never ask it: they are the
    database's own."""

    def now(self) -> datetime: ...


class Invoker(Protocol):
    """Hands an event to a function that runs later, at least once."""

    def invoke(self, event: Json) -> None:
        """Raises InvokeFailed."""


class TaskLauncher(Protocol):
    """Starts trainers."""

    def launch(self, run_id: UUID, attempt: int) -> str:
        """Start a trainer for the run and return the task's ARN; the same attempt never starts two.

        Raises LaunchRefused, LaunchUnavailable or LaunchUnknown.
        """


class TaskFinder(Protocol):
    """Looks for trainers."""

    def find(self, run_id: UUID, attempt: int) -> str | None:
        """The ARN of the task that was started for the attempt and has not stopped.

        Raises DependencyError.
        """


class ArtifactStore(Protocol):
    """Keeps models under keys that never change their content."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Raises ArtifactCorrupt where the key holds something else, or ArtifactUnavailable."""

    def get(self, key: str, sha256: str) -> bytes:
        """Raises ArtifactMissing, ArtifactUnavailable, or ArtifactCorrupt for another hash."""


class Dispatching(Protocol):
    """What the dispatcher needs of the books."""

    def enrol_strategies(self) -> None:
        """Give every strategy that has none its own row in our books."""

    def strategies_to_check(self) -> list[DueStrategy]:
        """The active, enabled, not paused, and those whose run waits for a task; whoever was looked
        at longest ago comes first."""

    def expired_runs(self) -> list[LiveRun]:
        """Runs whose lease is over: their trainer is gone, or never came."""

    def adopt_task(self, run: LiveRun, task_arn: str) -> None:
        """Note the task that was started for a starting run, and renew its lease."""

    def end_attempt(self, run: LiveRun, ending: Ending, *, expired_only: bool) -> Status | None:
        """Queue the run again or fail it; returns its new status, None where it had moved on.

        `expired_only` spares a run whose trainer has meanwhile renewed the lease.
        """

    def paused_strategies(self) -> list[PausedStrategy]:
        """Active, enabled, and paused after too many failures."""

    def forget_old_decisions(self) -> None:
        """Delete what was decided more than 400 days ago, but each strategy's newest decision."""

    def tick_summary(self, slot: datetime) -> TickSummary:
        """What came of the tick so far."""


class Checking(Protocol):
    """What the condition check needs of the books."""

    def snapshots(self, strategy_ids: Sequence[UUID]) -> list[Snapshot]:
        """As they are now, by the database's own time, which is the same for all of them."""

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None: ...

    def claim(self, request: ClaimRequest) -> Claimed | NotClaimed: ...


class Asking(Protocol):
    """What a person's wish for a training needs of the books. Everything raises Unknown for a
    strategy or run that is not the caller's."""

    def snapshot(self, user_id: UUID, strategy_id: UUID, as_of: datetime) -> Snapshot: ...

    def store_decisions(self, decisions: Sequence[Decision], slot: datetime | None) -> None: ...

    def live_run(self, user_id: UUID, strategy_id: UUID) -> NotClaimed | None:
        """The strategy's live run, as the reason why there is no other."""

    def free_lost_run(self, user_id: UUID, strategy_id: UUID) -> None:
        """Queue the strategy's run again, or fail it, where its trainer has gone."""

    def repeated(self, user_id: UUID, idempotency: Idempotency) -> tuple[UUID, str] | None:
        """Run and reason of the request that was sent before with this key. Raises Conflict for a
        key of another request."""

    def claim_within(self, request: ClaimRequest, runs_per_hour: int) -> Claimed | NotClaimed:
        """Raises Conflict for a key of another request, TooManyRuns."""

    def status(self, user_id: UUID, run_id: UUID) -> Status: ...


class Vitals(Protocol):
    """What the books know of their own health."""

    def ailments(self) -> list[str]:
        """Codes of what is wrong; raises what reading them raises."""


class Launching(Protocol):
    """What the launcher needs of the books."""

    def reserve_launch(self, run_id: UUID, max_concurrent_tasks: int) -> Launch | NotLaunched:
        """Move a queued run to starting where a task is free, or say why it stays queued."""

    def record_task(self, launch: Launch, task_arn: str) -> None: ...

    def launch_unavailable(self, launch: Launch, message: str) -> None:
        """Queue the run again as its next attempt, and count the refusal against nobody."""

    def launch_refused(self, launch: Launch, message: str) -> None:
        """Fail the run as launch_config, and stop launching until a probe succeeds."""


class Stopping(Protocol):
    """What task_stopped needs of the books."""

    def runs_of_task(self, task_arn: str, started_for: Attempt | None) -> list[LiveRun]:
        """The task's live runs.

        `started_for` is the attempt that the task was started for: its launcher may not have come
        to noting the task yet.
        """

    def end_attempt(self, run: LiveRun, ending: Ending, *, expired_only: bool) -> Status | None: ...


class Outbox(Protocol):
    """Notifications that wait to be sent."""

    def claim(self, count: int) -> list[Notification]:
        """Take the notifications that are due. Each is due again after a minute, and after twice
        as long at every further claim, up to an hour."""

    def note_told(self, channel: str, ids: Collection[int], channels: Collection[str]) -> None:
        """The channel has taken them; whoever has been through all `channels` is sent."""

    def forget_old(self) -> None:
        """Delete what is older than 30 days, sent or not."""


class Channel(Protocol):
    """A way that notifications take to the outside."""

    @property
    def name(self) -> str: ...

    def send(self, notifications: Sequence[Notification]) -> Mapping[int, str]:
        """Send at most ten; says why not, by id, for each that was not taken."""


class TradeReader(Protocol):
    """A strategy's newest closed trades, as one consistent snapshot at `as_of`."""

    as_of: datetime

    def features(self) -> list[str]:
        """Every feature name that holds a number at least once, in name order."""

    def symbols(self) -> list[str]:
        """Every symbol, in name order."""

    def copy(self, features: Sequence[str], symbols: Sequence[str], sink: BinaryIO) -> None:
        """Write the rows to the sink as PostgreSQL binary COPY.

        Every field is 8 bytes and never NULL. In this order: id hash (int8), decided_at and
        closed_at (int8, microseconds since 2000-01-01 UTC), pnl_pct, win, side, executed (float8,
        NaN where missing; side is +1, -1, and infinity where it is neither long nor short),
        symbol (int8, its position in `symbols` from 0, -1 where there is none), win_probability
        (float8, NaN where it is missing or no model's), then one float8 per feature.
        """


class Training(Protocol):
    """What the trainer needs of the books. Every write is refused once the fence has moved on."""

    def begin(self, run_id: UUID, task_arn: str | None) -> Assignment | None:
        """Take the named run if it is still waiting for a trainer."""

    def begin_next(self, task_arn: str | None) -> Assignment | None:
        """Take the oldest queued run; None when the queue is empty, or when as many runs as the
        launcher allows have a trainer: whoever has one looks here when it is done."""

    def refresh(self, assignment: Assignment) -> Assignment:
        """The same run with the champion and the settings of now. Raises RunTaken."""

    def heartbeat(self, assignment: Assignment, progress: Progress, seconds: float) -> None:
        """Extend the lease and store the progress. Raises RunTaken."""

    def read_trades(
        self, strategy_id: UUID, as_of: datetime, newest: int
    ) -> AbstractContextManager[TradeReader]: ...

    def reused_rows(self, strategy_id: UUID, rival: str, since: datetime, until: datetime) -> int:
        """How many of the trades decided in [since, until] an earlier verdict against the same
        rival has been reached on."""

    def publish(
        self, assignment: Assignment, challenger: Challenger, key: str, now: datetime
    ) -> Published:
        """Store, judge and activate in one transaction. Raises RunTaken or ChampionChanged."""

    def decline(self, assignment: Assignment, declined: Declined) -> Published:
        """Finish a run without a model. Raises RunTaken."""

    def fail(self, assignment: Assignment, code: str, message: str) -> None:
        """The strategy's failure: back off, then pause. Raises RunTaken."""

    def interrupt(self, assignment: Assignment, message: str) -> Status:
        """Queue the run again as its next attempt; the third time in a row it fails, as the
        strategy's failure. Raises RunTaken."""


class ChampionChanged(Exception):
    """Another champion went live while the verdict was reached: judge again."""


class Report(Protocol):
    """Tells how far a training is; raises RunTaken or Interrupted to end it."""

    def __call__(self, phase: str, round: int = 0, rounds: int = 0) -> None: ...


class Learner(Protocol):
    """Turns an assignment into a judged model, or says why there is none."""

    def learn(self, assignment: Assignment, as_of: datetime, report: Report) -> Lesson:
        """Raises DataError, Artifact… errors, and what `report` raises."""


class TokenFinder(Protocol):
    """What the authorizer needs of the stored API tokens."""

    def find(self, token_id: str) -> KnownToken | None: ...

    def note_use(self, token_id: str) -> None:
        """Remember that the token was used, to the minute."""


class TokenKeeper(Protocol):
    """What the owners of API tokens do with them."""

    def add(
        self,
        token: ApiToken,
        user_id: UUID,
        name: str,
        scopes: Sequence[Scope],
        lifetime: timedelta | None,
        limit: int,
    ) -> TokenRow | None:
        """Store the token's hash; None where the user has as many live tokens as allowed."""

    def of_user(self, user_id: UUID) -> list[TokenRow]:
        """Newest first; revoked and expired ones too."""

    def revoke(self, user_id: UUID, token_id: str) -> bool:
        """Whether the user has such a token; revoking twice keeps the first time."""


class WebTokens(Protocol):
    """Knows the web tokens (JWT) of people who are signed in."""

    def verify(self, text: str) -> Caller:
        """Raises NotVerified, and DependencyError where the keys cannot be had."""


class NotVerified(Exception):
    """The web token proves nothing; the message says why and repeats nothing of it."""
