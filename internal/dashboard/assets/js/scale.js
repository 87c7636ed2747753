/**
 * From time and value to pixels, and back.
 * @module
 */

import { DAY, moment } from './format.js';

/**
 * @typedef {import('./chart.js').Plot} Plot
 * @typedef {import('./chart.js').Point} Point
 * @typedef {ReturnType<typeof scaleOf>} Scale
 */

export const HEIGHT = 172;
export const EDGE = { top: 10, right: 12, bottom: 24, left: 62 };

/**
 * @param {Plot} plot
 * @param {number} width
 */
export function scaleOf(plot, width) {
  const until = plot.forecast ? Math.max(plot.now, plot.forecast.t) : plot.now;
  const values = plot.lines.flatMap((line) => line.points.map((p) => p.v));
  if (plot.forecast) values.push(plot.forecast.v);
  const high = values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : 1;
  const low = values.length > 0 ? values.reduce((a, b) => Math.min(a, b)) : 0;
  // From zero, unless what changes is small beside what stays: the numbers at the edge say so.
  const ticks = nice(low > high * 0.6 && high > low ? low : 0, high === 0 ? 1 : high);
  const [bottom, top] = [ticks[0], /** @type {number} */ (ticks.at(-1))];
  const inner = width - EDGE.left - EDGE.right;
  return {
    ticks,
    from: plot.from,
    until,
    width,
    now: plot.now,
    x: (/** @type {number} */ t) => round(EDGE.left + inner * ((t - plot.from) / Math.max(1, until - plot.from))),
    y: (/** @type {number} */ v) =>
      round(HEIGHT - EDGE.bottom - (HEIGHT - EDGE.top - EDGE.bottom) * ((v - bottom) / Math.max(1e-9, top - bottom))),
    timeAt: (/** @type {number} */ x) => plot.from + ((x - EDGE.left) / inner) * (until - plot.from),
  };
}

/** @param {number} n */
function round(n) {
  return Math.round(n * 10) / 10;
}

/**
 * nice gives three to five round values that hold low and high.
 * @param {number} low
 * @param {number} high
 */
export function nice(low, high) {
  const rough = (high - low) / 3 || high / 3 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const ticks = [];
  for (let v = Math.floor(low / step) * step; ; v += step) {
    ticks.push(Number(v.toPrecision(12)));
    if (v >= high - step * 1e-6) return ticks;
  }
}

/**
 * @param {number} t
 * @param {number} span
 * @param {number} now
 */
export function axis(t, span, now) {
  const words = moment(t, now);
  if (span < 1.5 * DAY) return words.replace(/^today /, '').replace(/^yesterday /, 'yest. ');
  return words.replace(/ \d\d:\d\d$/, '').replace(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) /, '');
}

/**
 * thinned keeps of each pixel the lowest and the highest value.
 * @param {Point[]} points
 * @param {Scale} scale
 */
export function thinned(points, scale) {
  if (points.length < scale.width) return points;
  /** @type {Point[]} */
  const out = [];
  /** @type {Point[]} */
  let column = [];
  const flush = () => {
    if (column.length === 0) return;
    const low = column.reduce((a, b) => (b.v < a.v ? b : a));
    const high = column.reduce((a, b) => (b.v > a.v ? b : a));
    out.push(...[low, high].sort((a, b) => a.t - b.t));
    column = [];
  };
  for (const p of points) {
    if (column.length > 0 && Math.round(scale.x(column[0].t)) !== Math.round(scale.x(p.t))) flush();
    column.push(p);
  }
  flush();
  return out;
}

/**
 * @param {Point[]} points
 * @param {number} at
 */
export function nearest(points, at) {
  let best;
  for (const p of points) if (!best || Math.abs(p.t - at) < Math.abs(best.t - at)) best = p;
  return best;
}
