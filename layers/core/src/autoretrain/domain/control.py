"""What a person may put live, and what follows from it: a roll-back pins, an approval does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autoretrain.domain.gate import BASE_RATE
from autoretrain.errors import Conflict


@dataclass(frozen=True, slots=True)
class Standing:
    """A version that a person wants live, and what is live now.

    `rival` is what the version was judged against; `champion_created_at` is None where there is
    no champion of ours.
    """

    version: str
    rival: str
    awaiting_approval: bool
    created_at: datetime
    champion: str | None
    champion_created_at: datetime | None
    pinned_version: str | None


@dataclass(frozen=True, slots=True)
class ByHand:
    """What the activation does: `pins` keeps everything else from going live until unpinned."""

    pins: bool
    why: str


ALREADY_LIVE = ByHand(pins=False, why="already live")


def activation_by_hand(standing: Standing, *, force: bool) -> ByHand:
    """An approval holds as long as its verdict does; by force it is an activation like any other.

    Asking twice does nothing twice: what is live already is pinned by force only. Raises Conflict
    where the waiting challenger's verdict does not hold any more.
    """
    if standing.version == standing.champion and not force:
        return ALREADY_LIVE
    if standing.awaiting_approval and not force:
        _refuse_outdated(standing)
        return ByHand(pins=False, why="approved by hand")
    return ByHand(pins=True, why=_why(standing))


def _refuse_outdated(standing: Standing) -> None:
    if standing.pinned_version is not None:
        raise Conflict(
            "pinned",
            f"pinned to {standing.pinned_version} by hand: unpin it first, or use force",
        )
    now = standing.champion or BASE_RATE
    if now != standing.rival:
        raise Conflict(
            "champion_changed",
            f"{standing.version} was judged against {standing.rival}, and {now} is active by now:"
            " wait for the next challenger, or use force",
        )


def _why(standing: Standing) -> str:
    if standing.version == standing.champion:
        return "pinned by hand"
    newest = standing.champion_created_at
    if newest is not None and standing.created_at < newest:
        return "rolled back by hand"
    return "activated by hand"
