"""One training: how far it is, and cancelling it."""

from __future__ import annotations

from aws_lambda_powertools.event_handler.api_gateway import Router

from autoretrain_api.allowed import Id
from autoretrain_api.answers import Run
from autoretrain_api.callers import Reader, Retrainer
from autoretrain_api.described import BODY, CHECKED, CONFLICT, NAMED, described
from autoretrain_api.log import tell
from autoretrain_api.people import people

router = Router()  # type: ignore[no-untyped-call]


@router.get(
    "/training-runs/<id>",
    **described("getRun", "A training and its progress", "runs", refuses=NAMED + CHECKED),
)
def run(caller: Reader, run_id: Id) -> Run:
    return Run.of(people().reading.run(caller.user_id, run_id))


@router.post(
    "/training-runs/<id>/cancel",
    **described(
        "cancelRun",
        "Cancel: a queued run at once, a running one at its next heartbeat",
        "runs",
        refuses=NAMED + BODY + CONFLICT,
    ),
)
def cancel(caller: Retrainer, run_id: Id) -> Run:
    people().control.cancel(caller.user_id, run_id)
    tell("cancel", caller, run_id=run_id)
    return Run.of(people().reading.run(caller.user_id, run_id))
