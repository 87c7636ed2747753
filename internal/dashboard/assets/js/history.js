/**
 * How sizes, durations, rows and free space went: the series that Officer keeps, and before
 * they begin what the backups and the daily metrics tell.
 * @module
 */

import './chart.js';
import { h } from './dom.js';
import { DAY, HOUR, many } from './format.js';
import { card, empty } from './widgets.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('./model.js').Known} Known
 * @typedef {import('./chart.js').Line} Line
 * @typedef {import('./chart.js').Plot} Plot
 */

/** @type {[string, number][]} */
const RANGES = [
  ['24 hours', DAY],
  ['7 days', 7 * DAY],
  ['30 days', 30 * DAY],
  ['All', Infinity],
];
const LINES = 5; // more are not told apart

/**
 * history shows the plots.
 * @param {Page} page
 * @param {number} now
 */
export function history(page, now) {
  const { known, ui } = page.model;
  if (!known?.status) return null;
  const range = ui.range ?? 2;
  const plots = plotsOf(known, now, now - RANGES[range][1]);
  return card(
    'history',
    'History',
    [
      h(
        'div',
        { class: 'choice-row', role: 'group', 'aria-label': 'How far back' },
        RANGES.map(([words], i) =>
          h(
            'button',
            {
              key: words,
              type: 'button',
              class: 'segment',
              'aria-pressed': String(i === range),
              onclick: () => page.range(i),
            },
            words,
          ),
        ),
      ),
    ],
    plots.length > 0
      ? h(
          'div',
          { class: 'plots' },
          plots.map((plot) => h('officer-chart', { key: plot.title, data: plot })),
        )
      : empty(undefined, 'Nothing was measured in this time yet.'),
  );
}

/**
 * @param {Known} known
 * @param {number} now
 * @param {number} since
 * @returns {Plot[]}
 */
function plotsOf(known, now, since) {
  const all = linesOf(known);
  /** @param {(name: string) => boolean} wanted */
  const pick = (wanted) =>
    [...all]
      .filter(([name]) => wanted(name))
      .map(([, line]) => ({ ...line, points: within(line.points, since) }))
      .filter((line) => line.points.length > 0);
  /**
   * @param {string} title
   * @param {Plot['unit']} unit
   * @param {Line[]} lines
   * @param {Partial<Plot>} [more]
   * @returns {Plot[]}
   */
  const plot = (title, unit, lines, more) =>
    lines.length === 0 ? [] : [{ title, unit, lines, now, from: fromOf(lines, since, now), ...more }];
  return [
    ...plot(
      'Database size',
      'bytes',
      pick((name) => name === 'database_bytes'),
    ),
    ...plot(
      'Write-ahead log',
      'bytes',
      pick((name) => name === 'wal_bytes'),
    ),
    ...plot(
      'Free space',
      'bytes',
      pick((name) => name === 'free_bytes'),
      forecastOf(known, now),
    ),
    ...plot('Durations', 'ms', largest(pick((name) => name.startsWith('duration_ms:')))),
    ...plot('Rows', 'rows', largest(pick((name) => name.startsWith('rows:')))),
  ];
}

/**
 * @param {import('./chart.js').Point[]} points
 * @param {number} since
 */
function within(points, since) {
  return since === -Infinity ? points : points.filter((p) => p.t >= since);
}

/**
 * @param {Line[]} lines
 * @param {number} since
 * @param {number} now
 */
function fromOf(lines, since, now) {
  const oldest = Math.min(...lines.map((line) => line.points[0].t));
  // What began lately fills the plot; an empty left half says nothing.
  return Math.min(Math.max(oldest, since), now - HOUR / 6);
}

/** @param {Line[]} lines */
function largest(lines) {
  const last = (/** @type {Line} */ line) => line.points.at(-1)?.v ?? 0;
  return lines.sort((a, b) => last(b) - last(a)).slice(0, LINES);
}

/**
 * @param {Known} known
 * @param {number} now
 * @returns {Partial<Plot>}
 */
function forecastOf(known, now) {
  const volumes = known.status?.disk?.volumes ?? [];
  const v = volumes.find((one) => one.roles?.includes('database')) ?? volumes[0];
  if (!v?.daysUntilFull) return {};
  const days = Math.max(1, Math.round(v.daysUntilFull));
  const note = `If it goes on like this, the volume is full in about ${many(days, 'day')}.`;
  // Months ahead would press everything measured into a corner.
  return v.daysUntilFull > 45 ? { note } : { note, forecast: { t: now + v.daysUntilFull * DAY, v: 0 } };
}

/**
 * linesOf gives every series by its name.
 * @param {Known} known
 * @returns {Map<string, Line>}
 */
function linesOf(known) {
  /** @type {Map<string, Line>} */
  const all = new Map();
  for (const s of known.history ?? []) {
    const points = (s.points ?? []).map((p) => ({ t: p.timeUnixMs ?? 0, v: p.value ?? 0 }));
    if (points.length > 0) all.set(s.name, { name: labelOf(s.name), points });
  }
  // Backups reach further back than the series, which began with this version of Officer.
  for (const [name, points] of measured(known)) {
    const series = all.get(name)?.points ?? [];
    const older = points.filter((p) => series.length === 0 || p.t < series[0].t).sort((a, b) => a.t - b.t);
    all.set(name, { name: labelOf(name), points: [...older, ...series] });
  }
  return all;
}

/** @param {string} name */
function labelOf(name) {
  const label = name.includes(':') ? name.slice(name.indexOf(':') + 1) : name;
  return (
    {
      database_bytes: 'Database',
      wal_bytes: 'WAL',
      free_bytes: 'Free',
      'backup.copy': 'copy',
      'backup.verify': 'verify',
      'check.full': 'full check',
      'check.foreign_keys': 'foreign keys',
      'wal.checkpoint': 'checkpoint',
    }[label] ?? label
  );
}

/**
 * measured makes series of what the backups and the daily metrics hold.
 * @param {Known} known
 * @returns {Map<string, import('./chart.js').Point[]>}
 */
function measured(known) {
  /** @type {Map<string, import('./chart.js').Point[]>} */
  const out = new Map();
  /**
   * @param {string} name
   * @param {number | undefined} t
   * @param {number | undefined} v
   */
  const add = (name, t, v) => {
    if (!t || v === undefined || v < 0) return;
    const points = out.get(name) ?? [];
    points.push({ t, v });
    out.set(name, points);
  };
  for (const b of known.backups?.backups ?? []) {
    add('database_bytes', b.takenAtUnixMs, b.sizeBytes);
    for (const t of b.content?.tables ?? []) add(`rows:${t.name}`, b.takenAtUnixMs, t.rows ?? 0);
  }
  for (const m of known.metrics ?? []) {
    if (!/^(backup|check|maintain|recovery)\./.test(m.name)) continue;
    for (const d of m.days ?? []) add(`duration_ms:${m.name}`, new Date(`${d.day}T12:00:00`).getTime(), d.p50Ms ?? 0);
  }
  return out;
}
