// Small charts as inline SVG: no script, no external file, coloured by the page's CSS variables.
import { type Markup, markup } from './markup';
import type { Bin } from './statistics';
import type { Interval } from './stats';

export interface LossPoint {
  step: number;
  loss: number;
}

export interface LossCurve {
  train: LossPoint[];
  validation: LossPoint[];
}

/** Reads metrics.jsonl of the trainer: losses of steps, and of the validation split; skipped batches have none. */
export const readLosses = (jsonl: string): LossCurve => {
  const curve: LossCurve = { train: [], validation: [] };
  for (const line of jsonl.split('\n')) {
    if (line === '') continue;
    const { step, loss, validationNll } = JSON.parse(line) as { step: number; loss?: number | null; validationNll?: number };
    if (typeof loss === 'number') curve.train.push({ step, loss });
    if (typeof validationNll === 'number') curve.validation.push({ step, loss: validationNll });
  }
  return curve;
};

const WIDTH = 640;
const HEIGHT = 240;
const EDGE = { left: 46, right: 14, top: 12, bottom: 30 };

/** Round numbers that cover a range: 1, 2 or 5 times a power of ten apart, about `count` of them. */
export const ticks = (low: number, high: number, count = 4): number[] => {
  if (high <= low) return [low];
  const span = high - low;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
};

/** Exponential moving average with a half-life of a few steps: what the eye follows. */
const smoothed = (points: readonly LossPoint[]): LossPoint[] => {
  const keep = 0.8;
  let average = points[0]?.loss ?? 0;
  return points.map(({ step, loss }) => ({ step, loss: (average = keep * average + (1 - keep) * loss) }));
};

const fixed = (value: number): string => value.toFixed(1);

/** Loss by step: each step faint, its moving average strong, validation as dots. */
export const lossChart = ({ train, validation }: LossCurve): Markup => {
  const all = [...train, ...validation];
  if (all.length === 0) return markup`<p class="quiet">No step was recorded.</p>`;
  const steps = all.map(({ step }) => step);
  const losses = all.map(({ loss }) => loss);
  const [firstStep, lastStep] = [Math.min(...steps), Math.max(...steps)];
  const pad = (Math.max(...losses) - Math.min(...losses)) * 0.06 || 0.5;
  const [low, high] = [Math.min(...losses) - pad, Math.max(...losses) + pad];
  const x = (step: number): string =>
    fixed(EDGE.left + ((step - firstStep) / Math.max(1, lastStep - firstStep)) * (WIDTH - EDGE.left - EDGE.right));
  const y = (loss: number): string => fixed(EDGE.top + ((high - loss) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom));
  const line = (points: readonly LossPoint[]): string => points.map(({ step, loss }) => `${x(step)},${y(loss)}`).join(' ');
  const lossTicks = ticks(low, high);
  const stepTicks = ticks(firstStep, lastStep, 6).filter(Number.isInteger);
  return markup`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Training loss by step">
${lossTicks.map((tick) => markup`<line class="grid" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(tick)}" y2="${y(tick)}"/><text x="${EDGE.left - 7}" y="${y(tick)}" dy="0.35em" text-anchor="end">${tick}</text>`)}
${stepTicks.map((tick) => markup`<text x="${x(tick)}" y="${HEIGHT - 10}" text-anchor="middle">${tick}</text>`)}
<polyline class="raw" points="${line(train)}"/>
<polyline class="smooth" points="${line(smoothed(train))}"/>
${validation.map(({ step, loss }) => markup`<circle class="validation" cx="${x(step)}" cy="${y(loss)}" r="4"><title>validation, step ${step}: ${loss.toFixed(3)}</title></circle>`)}
</svg>`;
};

/** The difference to the base as a dot and its interval as a bar on a line with 0: left of 0 is better. */
export const intervalChart = (difference: number, { low, high }: Interval): Markup => {
  const [width, height, edge] = [420, 64, 16];
  const reach = Math.max(Math.abs(low), Math.abs(high), 1e-9) * 1.15;
  const [from, to] = [Math.min(-reach, low), Math.max(reach * 0.35, high * 1.15)];
  const x = (value: number): string => fixed(edge + ((value - from) / (to - from)) * (width - 2 * edge));
  return markup`<svg class="chart interval ${high < 0 ? 'good' : low > 0 ? 'bad' : 'open'}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Difference ${difference.toFixed(3)}, interval from ${low.toFixed(3)} to ${high.toFixed(3)}">
<line class="grid" x1="${edge}" x2="${width - edge}" y1="24" y2="24"/>
<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="8" y2="40"/><text x="${x(0)}" y="56" text-anchor="middle">0: as the base</text>
<line class="range" x1="${x(low)}" x2="${x(high)}" y1="24" y2="24"/>
<circle class="dot" cx="${x(difference)}" cy="24" r="6"/>
</svg>`;
};

/** A histogram as bars of plain HTML, one a bin. */
export const histogramChart = (bins: readonly Bin[], unit: string): Markup => {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const bar = (count: number): Markup | null =>
    count === 0 ? null : markup`<span class="bar" style="width:${fixed((100 * count) / most)}%"></span>`;
  return markup`<table class="bars">${bins.map(
    ({ from, to, count }) => markup`<tr><th>${from}–${to - 1} ${unit}</th><td>${bar(count)}</td><td class="n">${count}</td></tr>`,
  )}</table>`;
};
