import { signal } from "@preact/signals";
import { type ListWish, PAGE_SIZE, type Sort, useStrategies } from "../api/queries";
import { Heading } from "../parts/heading";
import { Empty, Loaded } from "../parts/states";
import { Search } from "./search";
import { StrategyTable } from "./table";

const ROW_PX = 57;

/** Where the list was left: whoever comes back finds it as it was. */
const search = signal("");
const sort = signal<Sort>("name");
const cursors = signal<readonly string[]>([]);

function anew(change: () => void): void {
  change();
  cursors.value = [];
}

export function StrategiesPage() {
  const wish: ListWish = {
    search: search.value,
    sort: sort.value,
    cursor: cursors.value.at(-1) ?? null,
  };
  const found = useStrategies(wish);
  return (
    <>
      <Heading title="Strategies">
        <Search value={search.value} onSearch={(text) => anew(() => (search.value = text))} />
      </Heading>
      <Loaded of={found} height={ROW_PX * PAGE_SIZE}>
        {({ items, next }) => (
          <>
            {items.length === 0 ? (
              <Nothing searched={search.value} />
            ) : (
              <StrategyTable
                strategies={items}
                sort={sort.value}
                busy={found.isPlaceholderData}
                onSort={(wanted) => anew(() => (sort.value = wanted))}
              />
            )}
            <Pager shown={items.length} next={next} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Nothing({ searched }: { searched: string }) {
  if (searched !== "") return <Empty>No strategy is called “{searched}”.</Empty>;
  return (
    <Empty>
      No strategies yet. <code>autoretrain import-trades trades.csv --strategy NAME</code> makes the
      first one.
    </Empty>
  );
}

function Pager({ shown, next }: { shown: number; next: string | null }) {
  const page = cursors.value.length;
  if (page === 0 && next === null) return null;
  const first = page * PAGE_SIZE + 1;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button disabled={page === 0} onClick={() => (cursors.value = cursors.value.slice(0, -1))}>
        Previous
      </button>
      <span>
        {first} to {first + shown - 1}
      </span>
      <button
        disabled={next === null}
        onClick={() => next !== null && (cursors.value = [...cursors.value, next])}
      >
        Next
      </button>
    </nav>
  );
}
