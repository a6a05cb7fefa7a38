"""The API tokens as the database holds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from autoretrain.domain.access import ApiToken, KnownToken, Scope, TokenRow
from autoretrain.errors import InternalError
from autoretrain.storage.database import Database, Transaction


class TokenBooks:
    """What the authorizer and the tokens' owners need; see `ports.TokenFinder` and
    `ports.TokenKeeper`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, token_id: str) -> KnownToken | None:
        row = self._database.transaction(lambda tx: tx.one("find_token", token_id=token_id))
        return KnownToken(*row) if row else None

    def note_use(self, token_id: str) -> None:
        self._database.transaction(lambda tx: tx.run("note_token_use", token_id=token_id))

    def add(
        self,
        token: ApiToken,
        user_id: UUID,
        name: str,
        scopes: Sequence[Scope],
        lifetime: timedelta | None,
        limit: int,
    ) -> TokenRow | None:
        def work(tx: Transaction) -> TokenRow | None:
            tx.run("lock_tokens", user_id=user_id)
            counted = tx.one("count_live_tokens", user_id=user_id)
            if counted is None or counted.live >= limit:
                return None
            row = tx.one(
                "insert_token",
                token_id=token.id,
                secret_sha256=token.sha256,
                user_id=user_id,
                token_name=name,
                scopes=list(scopes),
                lifetime=lifetime,
            )
            if row is None:
                raise InternalError("the database did not give the new token back")
            return TokenRow(*row)

        return self._database.transaction(work)

    def of_user(self, user_id: UUID) -> list[TokenRow]:
        rows = self._database.transaction(lambda tx: tx.all("list_tokens", user_id=user_id))
        return [TokenRow(*row) for row in rows]

    def revoke(self, user_id: UUID, token_id: str) -> bool:
        values = {"user_id": user_id, "token_id": token_id}
        return self._database.transaction(lambda tx: tx.run("revoke_token", **values)) > 0
