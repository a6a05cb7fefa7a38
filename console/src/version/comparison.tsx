import { count, decimal, percent, plural, signed } from "../domain/format";
import { type Evidence, inputName, type Report, type Score } from "../domain/report";
import { localDay } from "../domain/times";
import { Scroll } from "../parts/scroll";
import { EarningsByProbability, ReliabilityChart, RocChart } from "./charts";

export function Comparison({ version, report }: { version: string; report: Report }) {
  const { evidence, judged, warnings } = report;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} class="notice warn">
          {warning}
        </p>
      ))}
      <section class="card whole" aria-labelledby="verdict">
        <h2 id="verdict">Verdict</h2>
        <p>{verdictWords(evidence)}</p>
        {"challenger" in evidence && <Scores version={version} evidence={evidence} />}
      </section>
      {judged && (
        <section class="card whole" aria-labelledby="judged">
          <h2 id="judged">On the judged trades</h2>
          {!judged.enough && (
            <p class="hint">
              Too few for curves that mean something: {plural(judged.wins, "win")} and{" "}
              {plural(judged.losses, "loss", "losses")}, {judged.enough_rows} of each are needed.
            </p>
          )}
          <div class="plots">
            <RocChart version={version} rival={evidence.rival} judged={judged} />
            <ReliabilityChart version={version} rival={evidence.rival} judged={judged} />
            <EarningsByProbability version={version} rival={evidence.rival} judged={judged} />
          </div>
        </section>
      )}
      <Importance report={report} />
      <Making report={report} />
    </>
  );
}

function verdictWords(evidence: Evidence): string {
  if (!("challenger" in evidence)) {
    return `Not enough evidence: ${evidence.rows} of ${evidence.needed} trades that neither model has seen.`;
  }
  const better = percent(evidence.p_better);
  const sure = evidence.enough ? "" : " That is not enough evidence that either is better.";
  const again = evidence.rows_reused ? `, ${evidence.rows_reused} of them judged before` : "";
  return `On ${plural(evidence.rows, "trade")} decided ${localDay(evidence.judged_from)} to ${localDay(evidence.judged_until)}${again}, it is the better one with a probability of ${better}.${sure}`;
}

type Judgement = Extract<Evidence, { challenger: Score }>;

const ROWS: readonly (readonly [string, (score: Score) => string])[] = [
  ["Log-loss (decides)", (score) => decimal(score.log_loss, 4)],
  ["Accuracy", (score) => percent(score.accuracy, 1)],
  ["ROC-AUC", (score) => decimal(score.roc_auc, 3)],
  ["Brier", (score) => decimal(score.brier, 4)],
  ["P&L per trade taken, %", (score) => signed(score.pnl_pct, 2)],
  ["Trades taken", (score) => count(score.taken)],
];

function Scores({ version, evidence }: { version: string; evidence: Judgement }) {
  const columns: [string, Score][] = [[version, evidence.challenger]];
  if (evidence.champion) columns.push([evidence.rival, evidence.champion]);
  columns.push(["base rate", evidence.base_rate]);
  return (
    <Scroll label="Scores side by side">
      <table class="scores">
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Score</span>
            </th>
            {columns.map(([whose]) => (
              <th key={whose} scope="col" class="number">
                {whose}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ROWS.map(([name, told]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {columns.map(([whose, score]) => (
                <td key={whose} class="number">
                  {told(score)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const SHOWN_INPUTS = 20;

function Importance({ report: { importance } }: { report: Report }) {
  const inputs = importance?.highest.slice(0, SHOWN_INPUTS) ?? [];
  const most = Math.max(...inputs.map(({ log_odds }) => log_odds), Number.EPSILON);
  return (
    <section class="card whole" aria-labelledby="importance">
      <h2 id="importance">What it leans on</h2>
      {importance === null ? (
        <p class="soft">
          Looked at for models that may go live, and for trainings that a person asks for.
        </p>
      ) : (
        <table class="bars">
          <thead>
            <tr>
              <th scope="col">Input</th>
              <th scope="col">Mean |SHAP value|, log-odds</th>
            </tr>
          </thead>
          <tbody>
            {inputs.map((input) => (
              <tr key={inputName(input)}>
                <th scope="row">{inputName(input)}</th>
                <td>
                  <span class="bar" style={{ width: `${(input.log_odds / most) * 80}%` }}></span>
                  {decimal(input.log_odds, 3)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Making({ report }: { report: Report }) {
  const { rows, recipe, memory } = report;
  const dropped = Object.entries(rows.dropped).map(([why, many]) => `${why}: ${count(many)}`);
  const facts: [string, string][] = [
    ["Trades", `${localDay(report.data_from)} to ${localDay(report.data_cutoff)}`],
    ["Rows used", `${count(rows.fitted)} of ${count(rows.usable)}, ${count(rows.purged)} purged`],
    ["Rows dropped", dropped.join(", ") || "none"],
    ["Win rate", percent(report.win_rate, 1)],
    ["Recipe", `${recipe.version}: ${recipe.trees} trees, ${recipe.params.num_leaves} leaves`],
    ["Memory", `the ${memory.stood} one, ${count(memory.scored)} earlier trades told`],
    ["LightGBM", report.lightgbm],
  ];
  return (
    <section class="card whole" aria-labelledby="making">
      <h2 id="making">How it was made</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
