import { ago, local, utc } from "../domain/times";
import { now } from "./clock";

/** A moment in the viewer's zone, UTC on hover. */
export function Moment({ at, relative = false }: { at: string; relative?: boolean }) {
  const title = relative ? `${local(at)} (${utc(at)})` : utc(at);
  return (
    <time dateTime={at} title={title}>
      {relative ? ago(at, now.value) : local(at)}
    </time>
  );
}
