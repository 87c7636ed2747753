/**
 * <officer-chart>: lines over time. It draws itself in the pixels it has, shows values
 * under the pointer, and has the same numbers as a table.
 * @module
 */

import { h, patch } from './dom.js';
import { count, moment, size, took } from './format.js';
import { EDGE, HEIGHT, axis, nearest, scaleOf, thinned } from './scale.js';
import { time } from './widgets.js';

/**
 * @typedef {{t: number, v: number}} Point
 * @typedef {{name: string, points: Point[]}} Line
 * @typedef {object} Plot
 * @property {string} title
 * @property {'bytes' | 'rows' | 'ms'} unit
 * @property {Line[]} lines each oldest first
 * @property {number} from left edge
 * @property {number} now
 * @property {Point} [forecast] where the first line goes if it goes on like this
 * @property {string} [note]
 */

const ROWS = 60; // of the table; more are thinned

/** @type {Record<Plot['unit'], (v: number) => string>} */
const WRITE = { bytes: size, rows: count, ms: (v) => (v === 0 ? '0 ms' : took(v)) };

class Chart extends HTMLElement {
  constructor() {
    super();
    /** @type {Plot | undefined} */
    this.plot = undefined;
    this.width = 480;
    /** @type {number | undefined} */
    this.under = undefined; // time under the pointer
    this.sized = new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width > 0 && width !== this.width) {
        this.width = width;
        this.draw();
      }
    });
  }

  connectedCallback() {
    this.sized.observe(this);
  }

  disconnectedCallback() {
    this.sized.disconnect();
  }

  /** @param {Plot} plot */
  set data(plot) {
    this.plot = plot;
    this.draw();
  }

  draw() {
    const { plot } = this;
    if (!plot) return;
    const write = WRITE[plot.unit];
    const head = h('figcaption', null, h('h3', null, plot.title), h('p', { class: 'plot-value num' }, this.readout(plot, write)));
    const body = plot.lines.every((line) => line.points.length < 2) ? single(plot, write) : this.drawing(plot, write);
    patch(this, h('figure', { class: 'plot' }, head, body));
  }

  /**
   * @param {Plot} plot
   * @param {(v: number) => string} write
   */
  drawing(plot, write) {
    const scale = scaleOf(plot, this.width);
    const look = {
      class: 'plot-svg',
      role: 'img',
      'aria-label': summary(plot, write),
      width: this.width,
      height: HEIGHT,
      viewBox: `0 0 ${this.width} ${HEIGHT}`,
      onpointermove: (/** @type {PointerEvent} */ e) => this.point(e),
      onpointerleave: () => this.leave(),
    };
    const lines = plot.lines.map((line, i) => drawn(line, i, scale, plot.lines.length === 1));
    return [
      plot.lines.length > 1 ? legend(plot) : null,
      h('svg', look, grid(scale, write), lines, forecast(plot, scale), this.cross(plot, scale)),
      plot.note ? h('p', { class: 'muted small-text' }, plot.note) : null,
      table(plot, write),
    ];
  }

  /** @param {PointerEvent} e */
  point(e) {
    const plot = this.plot;
    if (!plot) return;
    const scale = scaleOf(plot, this.width);
    const box = /** @type {Element} */ (e.currentTarget).getBoundingClientRect();
    this.under = scale.timeAt(e.clientX - box.left);
    this.draw();
  }

  leave() {
    this.under = undefined;
    this.draw();
  }

  /**
   * @param {Plot} plot
   * @param {(v: number) => string} write
   */
  readout(plot, write) {
    const at = this.under;
    const values = plot.lines.map((line) => (at === undefined ? line.points.at(-1) : nearest(line.points, at)));
    const first = values.find((p) => p !== undefined);
    if (!first) return '';
    const words =
      plot.lines.length === 1
        ? write(first.v)
        : plot.lines
            .map((line, i) => (values[i] ? `${line.name} ${write(values[i].v)}` : ''))
            .filter(Boolean)
            .join(' · ');
    return at === undefined ? (plot.lines.length === 1 ? words : '') : `${moment(first.t, plot.now)}: ${words}`;
  }

  /**
   * @param {Plot} plot
   * @param {Scale} scale
   */
  cross(plot, scale) {
    if (this.under === undefined) return null;
    const at = this.under;
    const marks = plot.lines.map((line) => nearest(line.points, at));
    const first = marks.find((p) => p !== undefined);
    if (!first) return null;
    return h(
      'g',
      { key: 'cross', class: 'cross' },
      h('line', { x1: scale.x(first.t), x2: scale.x(first.t), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      marks.map((p, i) => (p ? h('circle', { class: `line-${i}`, cx: scale.x(p.t), cy: scale.y(p.v), r: 4 }) : null)),
    );
  }
}

/** @typedef {import('./scale.js').Scale} Scale */

/**
 * @param {Scale} scale
 * @param {(v: number) => string} write
 */
function grid(scale, write) {
  const spans = scale.width < 420 ? 2 : 3;
  const times = Array.from({ length: spans + 1 }, (_, i) => scale.from + ((scale.until - scale.from) * i) / spans);
  return h(
    'g',
    { class: 'grid' },
    scale.ticks.map((v) =>
      h(
        'g',
        { key: `y${v}` },
        h('line', { x1: EDGE.left, x2: scale.width - EDGE.right, y1: scale.y(v), y2: scale.y(v) }),
        h('text', { x: EDGE.left - 8, y: scale.y(v) + 4, 'text-anchor': 'end' }, write(v)),
      ),
    ),
    times.map((t, i) =>
      h(
        'text',
        {
          key: `x${i}`,
          x: scale.x(t),
          y: HEIGHT - 6,
          'text-anchor': i === 0 ? 'start' : i === spans ? 'end' : 'middle',
        },
        axis(t, scale.until - scale.from, scale.now),
      ),
    ),
  );
}

/**
 * @param {Line} line
 * @param {number} i
 * @param {Scale} scale
 * @param {boolean} filled
 */
function drawn(line, i, scale, filled) {
  const points = thinned(line.points, scale);
  if (points.length === 0) return null;
  const path = points.map((p, n) => `${n === 0 ? 'M' : 'L'}${scale.x(p.t)} ${scale.y(p.v)}`).join('');
  const last = points[points.length - 1];
  const floor = scale.y(scale.ticks[0]);
  return h(
    'g',
    { key: line.name, class: `line-${i}` },
    filled && points.length > 1
      ? h('path', { class: 'area', d: `${path}L${scale.x(last.t)} ${floor}L${scale.x(points[0].t)} ${floor}Z` })
      : null,
    h('path', { class: 'line', d: path }),
    h('circle', { cx: scale.x(last.t), cy: scale.y(last.v), r: points.length === 1 ? 3.5 : 2.5 }),
  );
}

/**
 * @param {Plot} plot
 * @param {Scale} scale
 */
function forecast(plot, scale) {
  const last = plot.lines[0]?.points.at(-1);
  if (!plot.forecast || !last) return null;
  return h('path', {
    key: 'forecast',
    class: 'forecast',
    d: `M${scale.x(last.t)} ${scale.y(last.v)}L${scale.x(plot.forecast.t)} ${scale.y(plot.forecast.v)}`,
  });
}

/**
 * @param {Plot} plot
 * @param {(v: number) => string} write
 */
function summary(plot, write) {
  const parts = plot.lines
    .filter((line) => line.points.length > 0)
    .map((line) => {
      const values = line.points.map((p) => p.v);
      const low = values.reduce((a, b) => Math.min(a, b));
      const high = values.reduce((a, b) => Math.max(a, b));
      return `${line.name}: ${write(values[values.length - 1])} now, between ${write(low)} and ${write(high)} since ${moment(line.points[0].t, plot.now)}`;
    });
  return `${plot.title}. ${parts.join('. ')}`;
}

/**
 * @param {Plot} plot
 * @param {(v: number) => string} write
 */
function table(plot, write) {
  /** @type {[string, Point][]} */
  const all = plot.lines.flatMap((line) => line.points.map((p) => /** @type {[string, Point]} */ ([line.name, p])));
  all.sort((a, b) => b[1].t - a[1].t);
  const step = Math.ceil(all.length / ROWS);
  const rows = all.filter((_, i) => i % step === 0);
  const several = plot.lines.length > 1;
  return h(
    'details',
    { key: 'table', class: 'plot-table' },
    h('summary', null, 'Values', h('span', { class: 'sr' }, ` of ${plot.title}`)),
    h(
      'div',
      {
        class: 'scroller',
        tabindex: '0',
        role: 'region',
        'aria-label': `Values of ${plot.title}`,
      },
      h(
        'table',
        null,
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            h('th', { scope: 'col' }, 'When'),
            several ? h('th', { scope: 'col' }, 'What') : null,
            h('th', { scope: 'col', class: 'num' }, 'Value'),
          ),
        ),
        h(
          'tbody',
          null,
          rows.map(([name, p]) =>
            h(
              'tr',
              { key: `${name}${p.t}` },
              h('td', null, time(p.t, moment(p.t, plot.now))),
              several ? h('td', null, name) : null,
              h('td', { class: 'num' }, write(p.v)),
            ),
          ),
        ),
      ),
    ),
  );
}

/**
 * A line has two ends; until then the values stand there as words.
 * @param {Plot} plot
 * @param {(v: number) => string} write
 */
function single(plot, write) {
  const several = plot.lines.length > 1;
  /** @param {Line} line */
  const one = (line) =>
    h(
      'li',
      { key: line.name },
      several ? h('span', { class: 'muted' }, h('bdi', null, line.name)) : null,
      write(line.points[0].v),
    );
  return [
    several ? h('ul', { class: 'single num' }, plot.lines.map(one)) : null,
    h(
      'p',
      { class: 'muted small-text' },
      `Measured once so far, ${moment(plot.lines[0].points[0].t, plot.now)}. ${plot.note ?? ''}`,
    ),
  ];
}

/** @param {Plot} plot */
function legend(plot) {
  /**
   * @param {Line} line
   * @param {number} i
   */
  const one = (line, i) => h('li', { key: line.name, class: `line-${i}` }, swatch(), h('bdi', null, line.name));
  return h('ul', { class: 'legend' }, plot.lines.map(one));
}

function swatch() {
  return h('svg', { class: 'swatch', viewBox: '0 0 18 6', 'aria-hidden': 'true' }, h('path', { class: 'line', d: 'M0 3H18' }));
}

customElements.define('officer-chart', Chart);
