import { percent } from "../domain/format";
import { type Progress } from "../domain/runs";

export function ProgressBar({ progress, label }: { progress: Progress; label: string }) {
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(progress.share * 100)}
      aria-valuetext={`${progress.words}, ${percent(progress.share)}`}
    >
      <div style={{ width: `${progress.share * 100}%` }}></div>
    </div>
  );
}
