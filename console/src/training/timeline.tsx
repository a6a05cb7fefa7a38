import { person } from "../domain/format";
import type { Activation } from "../domain/shapes";
import { lasting, local, localDay } from "../domain/times";
import { measured, spansOf } from "../domain/timeline";
import { now } from "../parts/clock";
import { Moment } from "../parts/moment";
import { Scroll } from "../parts/scroll";
import { viewer } from "../session/session";

const MINUTE = 60_000;

/** What was active when, as a line of time, and each change with who made it and why. */
export function Timeline({ activations }: { activations: readonly Activation[] }) {
  const spans = measured(spansOf(activations), now.value);
  if (spans.length === 0)
    return <p class="soft">Nothing has been live yet: bots use the base rate.</p>;
  return (
    <figure>
      <figcaption>
        <span class="title">What was live when</span>
      </figcaption>
      <Scroll label="What was live when">
        <ol class="timeline">
          {spans.map(({ version, from, lasted, until }) => (
            <li
              key={from}
              class={until === null ? "now" : ""}
              style={{ flexGrow: lasted }}
              title={`${version ?? "base rate"}, ${local(from)} to ${until === null ? "now" : local(until)}`}
            >
              <b>{version ?? "base rate"}</b> {lasted < MINUTE ? "just now" : lasting(lasted)}
              <small>{localDay(from)}</small>
            </li>
          ))}
        </ol>
      </Scroll>
      <details class="figures">
        <summary>Every change, by whom and why</summary>
        <ol class="changes">
          {activations.map(({ id, version, activated_at, activated_by, why }) => (
            <li key={id}>
              <Moment at={activated_at} /> <b>{version ?? "base rate"}</b> by{" "}
              {person(activated_by, viewer.value)}: {why}
            </li>
          ))}
        </ol>
      </details>
    </figure>
  );
}
