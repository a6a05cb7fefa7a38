import { useEffect, useRef, useState } from "preact/hooks";

const PAUSE_MS = 250;

/** Searches when the typing pauses. */
export function Search(props: { value: string; onSearch: (text: string) => void }) {
  const [text, setText] = useState(props.value);
  const search = useRef(props.onSearch);
  search.current = props.onSearch;
  const { value } = props;
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => search.current(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <input
      type="search"
      class="search"
      aria-label="Search strategies"
      placeholder="Search by name"
      maxLength={200}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}
