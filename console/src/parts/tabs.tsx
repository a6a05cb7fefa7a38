import { useRef } from "preact/hooks";

export type Tab = { name: string; href: string };

/** Tabs that are places: each has an address of its own. Arrow keys go from one to the next. */
export function Tabs(props: { label: string; tabs: readonly Tab[]; selected: string }) {
  const list = useRef<HTMLDivElement>(null);
  const go = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const links = [...(list.current?.querySelectorAll("a") ?? [])];
    const at = links.findIndex((link) => link === document.activeElement);
    const next = links[(at + step + links.length) % links.length];
    next?.focus();
    next?.click();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} ref={list}>
      {props.tabs.map(({ name, href }) => (
        <a
          key={name}
          id={tabId(name)}
          role="tab"
          href={href}
          aria-selected={name === props.selected}
          aria-controls="panel"
          tabIndex={name === props.selected ? 0 : -1}
          onKeyDown={go}
        >
          {name}
        </a>
      ))}
    </div>
  );
}

export function tabId(name: string): string {
  return `tab-${name.toLowerCase().replaceAll(" ", "-")}`;
}
