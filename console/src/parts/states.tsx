import type { ComponentChildren } from "preact";
import { wordsOf } from "../api/errors";

/** As tall as what comes in its place, so that nothing moves. */
export function Skeleton({ height, label = "Loading" }: { height: number; label?: string }) {
  return (
    <div class="skeleton" style={{ height: `${height}px` }} role="status">
      <span class="hidden">{label} …</span>
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Failure({ error, again }: { error: Error; again: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>{wordsOf(error)}</p>
      <button onClick={again}>Try again</button>
    </div>
  );
}

type Read<Data> = {
  data: Data | undefined;
  error: Error | null;
  refetch: () => unknown;
};

/** The data's page, or what there is to say while there is none. */
export function Loaded<Data>(props: {
  of: Read<Data>;
  height: number;
  children: (data: Data) => ComponentChildren;
}) {
  const { data, error, refetch } = props.of;
  if (data !== undefined) return <>{props.children(data)}</>;
  if (error) return <Failure error={error} again={() => void refetch()} />;
  return <Skeleton height={props.height} />;
}
