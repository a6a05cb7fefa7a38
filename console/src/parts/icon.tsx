const PATHS = {
  healthy: "M3 8.5l3.2 3.2L13 5",
  training: "M8 2.5a5.5 5.5 0 1 1-5.2 3.7M2.5 2.5v4h4",
  due: "M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10",
  approval: "M8 2v7M8 12.5v1",
  paused: "M5.5 3v10M10.5 3v10",
  failed: "M8 2.2a5.8 5.8 0 1 0 .01 0M6 6l4 4M10 6l-4 4",
  disabled: "M4 4l8 8M12 4l-8 8",
  few: "M3 13V9M8 13V6M13 13V3",
  unchecked: "M8 2.2a5.8 5.8 0 1 0 .01 0M8 5v3.2l2.2 1.4",
  pin: "M8 9.5V14M5 2.5h6M6 2.5v4L4 9.5h8l-2-3v-4",
  sun: "M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6L13 13M13 3l-1.4 1.4M4.4 11.6L3 13M8 5.2A2.8 2.8 0 1 1 8 10.8 2.8 2.8 0 0 1 8 5.2",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z",
  back: "M10 3L5 8l5 5",
  next: "M6 3l5 5-5 5",
  warning: "M8 2.2l6.3 11.3H1.7zM8 6.4v3.4M8 11.4v.6",
} as const;

export type IconName = keyof typeof PATHS;

/** Always beside words, so nobody hears of it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
