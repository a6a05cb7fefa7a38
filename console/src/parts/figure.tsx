import type { ComponentChildren } from "preact";
import { Scroll } from "./scroll";

export type Key = { name: string; ink: "a" | "b" | "soft"; value?: string | null };

/** A picture with its title, what its colors stand for, and its figures as a table. */
export function Figure(props: {
  title: string;
  keys?: readonly Key[];
  children: ComponentChildren;
  table?: { head: readonly string[]; rows: readonly (readonly string[])[] };
}) {
  return (
    <figure>
      <figcaption>
        <span class="title">{props.title}</span>
        {props.keys?.map(({ name, ink, value }) => (
          <span key={name} class={`key ${ink}`}>
            {name}
            {value != null && <b> {value}</b>}
          </span>
        ))}
      </figcaption>
      {props.children}
      {props.table && (
        <details class="figures">
          <summary>Figures</summary>
          <Scroll label={`Figures: ${props.title}`}>
            <table>
              <thead>
                <tr>
                  {props.table.head.map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {props.table.rows.map((row) => (
                  <tr key={row.join()}>
                    {row.map((cell, place) => (
                      <td key={place}>{cell}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      )}
    </figure>
  );
}
