// The report's look: readable on paper, screens and phones, in light and dark.
import { MASK_STYLE } from './preview';

export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d1f21; --dim: #63676d; --line: #e2dfd8; --accent: #2458c5;
  --good: #17733a; --good-soft: #e0f3e5; --bad: #a82a20; --bad-soft: #fae4e1; --warn: #86590a; --warn-soft: #fbefd3; --code: #f3f1ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1d2024; --ink: #e6e5e1; --dim: #9aa0a8; --line: #33373d; --accent: #86aaf5;
    --good: #79d193; --good-soft: #17331f; --bad: #f39a90; --bad-soft: #3e1d1a; --warn: #e6bf6b; --warn-soft: #382c11; --code: #262a2f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 3rem 0 .8rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0; max-width: 48rem; }
a { color: var(--accent); }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .875em; }
code { background: var(--code); padding: .05em .3em; border-radius: 3px; overflow-wrap: anywhere; }
pre { background: var(--code); padding: .7rem .9rem; border-radius: 6px; margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; color: var(--dim); }
.quiet { color: var(--dim); font-size: .9rem; }
.pill { display: inline-block; padding: .12rem .65rem; border-radius: 999px; font-size: .85rem; font-weight: 600; white-space: nowrap; background: var(--code); color: var(--dim); }
.card .pill { white-space: normal; border-radius: .8rem; }
.pill.good, .pass { background: var(--good-soft); color: var(--good); }
.pill.bad, .fail { background: var(--bad-soft); color: var(--bad); }
.pill.warn, .shown { background: var(--warn-soft); color: var(--warn); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; margin: 1.8rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; min-width: 0; }
.card h2 { margin: 0 0 .5rem; font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase; color: var(--dim); }
.big { font-size: 1.7rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.big small { font-size: 1rem; font-weight: 400; color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-size: .94rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem .45rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td:first-child { min-width: 9rem; }
.bars td:first-child { min-width: 0; }
thead th { font-size: .82rem; color: var(--dim); font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; }
.bars { width: min(44rem, 100%); table-layout: fixed; }
.bars th { font-weight: 400; width: 15rem; border: 0; padding: .12rem .8rem .12rem 0; }
.bars td { border: 0; padding: .12rem .5rem .12rem 0; vertical-align: middle; }
.bars td.n { width: 9rem; text-align: left; }
details.fate > summary { list-style: none; } details.fate > summary::-webkit-details-marker { display: none; }
details.fate > summary th { text-decoration: underline dotted; text-underline-offset: 3px; }
details.fate ul { margin: .2rem 0 .8rem; padding-left: 1.2rem; color: var(--dim); font-size: .9rem; overflow-wrap: anywhere; }
.bar { display: block; height: .8rem; min-width: 2px; border-radius: 2px; background: var(--accent); opacity: .75; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
@media (max-width: 44rem) { .two { grid-template-columns: 1fr; } }
.answer { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; min-width: 0; }
.answer > h4 { margin: 0 0 .4rem; font-size: .82rem; color: var(--dim); font-weight: 600; }
.answer.tuned { border-color: var(--accent); }
.answer p, .sample p { white-space: pre-wrap; overflow-wrap: anywhere; }
.question { font-weight: 600; margin-top: 1.6rem; }
.sample .question { margin-top: 0; }
.sample { border-left: 3px solid var(--line); padding: .1rem 0 .1rem 1rem; margin: 1.2rem 0; }
.chart { width: 100%; max-width: 46rem; height: auto; display: block; }
.chart.interval { max-width: 26rem; margin-top: .4rem; }
.chart text { fill: var(--dim); font-size: 12px; font-family: inherit; }
.chart.interval text { font-size: 15px; }
.chart .grid { stroke: var(--line); }
.chart .raw { fill: none; stroke: var(--accent); opacity: .3; }
.chart .smooth { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; }
.chart .validation { fill: var(--card); stroke: var(--warn); stroke-width: 2.5; }
.chart .zero { stroke: var(--dim); stroke-dasharray: 3 3; }
.chart .range { stroke-width: 6; stroke-linecap: round; opacity: .45; }
.chart.good .range { stroke: var(--good); } .chart.good .dot { fill: var(--good); }
.chart.bad .range { stroke: var(--bad); } .chart.bad .dot { fill: var(--bad); }
.chart.open .range { stroke: var(--warn); } .chart.open .dot { fill: var(--warn); }
footer { margin-top: 4rem; color: var(--dim); font-size: .85rem; border-top: 1px solid var(--line); padding-top: 1rem; }
details > summary { cursor: pointer; color: var(--accent); }
@media print { main { padding: 0; } h2 { break-after: avoid; } .card, .answer { break-inside: avoid; } }
${MASK_STYLE}
.mask { background: var(--card); border: 1px solid var(--line); }
`;
