"""The books for whoever runs the trainer by hand: with the stack's own rights, for any strategy."""

from __future__ import annotations

from uuid import UUID, uuid4

from autoretrain.domain.work import Claimed, ClaimRequest, NotClaimed
from autoretrain.errors import Unknown
from autoretrain.storage.asking import AskBooks
from autoretrain.storage.claims import claim
from autoretrain.storage.database import Transaction
from autoretrain.storage.locking import enrolled_strategy


class WishBooks(AskBooks):
    """Asks on behalf of the strategy's owner, as often as somebody likes to."""

    def called(self, name: str) -> list[UUID]:
        """The strategies of that name."""
        rows = self._database.transaction(lambda tx: tx.all("strategies_called", called=name))
        return [row.id for row in rows]

    def queue(self, strategy_id: UUID, reason: str) -> Claimed | NotClaimed:
        """Queue a training as a person's wish, unless one is on its way. Raises Unknown."""
        owner, run_id = self._owner(strategy_id), uuid4()
        request = ClaimRequest(strategy_id, owner, reason, manual=True, force=True)
        self.free_lost_run(owner, strategy_id)

        def work(tx: Transaction) -> Claimed | NotClaimed:
            enrolled_strategy(tx, owner, strategy_id)
            return claim(tx, request, run_id)

        return self._database.transaction(work)

    def _owner(self, strategy_id: UUID) -> UUID:
        row = self._database.transaction(
            lambda tx: tx.one("strategy_owner", strategy_id=strategy_id)
        )
        if row is None:
            raise Unknown("strategy")
        owner: UUID = row.user_id
        return owner
