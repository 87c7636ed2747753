/**
 * Restore points on a line that reaches from the oldest to now. Ages are shown on a
 * logarithmic scale: what was an hour ago matters as much as what was a month ago. The
 * table below says the same, so a screen reader is not told of the picture.
 * @module
 */

import { h } from './dom.js';
import { DAY, HOUR, MINUTE, ago, exact } from './format.js';
import { standing } from './words.js';

/** @typedef {import('../../types').Backup} Backup */

/** @type {[number, string][]} */
const MARKS = [
  [10 * MINUTE, '10 min'],
  [HOUR, '1 hour'],
  [6 * HOUR, '6 h'],
  [DAY, '1 day'],
  [7 * DAY, '1 week'],
  [30 * DAY, '1 month'],
  [182 * DAY, '6 months'],
  [365 * DAY, '1 year'],
  [1826 * DAY, '5 years'],
];
const NEAR = 5 * MINUTE; // everything younger is now

/**
 * timeline draws them.
 * @param {Backup[]} list
 * @param {number} now
 */
export function timeline(list, now) {
  const oldest = Math.max(HOUR, ...list.map((b) => now - (b.takenAtUnixMs ?? now)));
  const end = scaled(oldest * 1.15);
  /** @param {number} span */
  const x = (span) => `${(97 - 94 * (scaled(span) / end)).toFixed(2)}%`;
  const marks = MARKS.filter(([span]) => span < oldest * 1.15);
  return h(
    'div',
    { class: 'timeline', 'aria-hidden': 'true' },
    h('div', { class: 'timeline-line' }),
    thinned(marks).map(([span, words]) => h('span', { key: words, class: 'timeline-mark', vars: { '--x': x(span) } }, words)),
    list.map((b) =>
      h('span', {
        key: b.id,
        class: `timeline-point ${standing(b).level} ${b.pinned ? 'pinned' : ''}`,
        title: `${ago(b.takenAtUnixMs, now)}: ${standing(b).word}, ${b.tier}\n${exact(b.takenAtUnixMs ?? 0)}`,
        vars: { '--x': x(Math.max(0, now - (b.takenAtUnixMs ?? now))) },
      }),
    ),
    h('span', { class: 'timeline-mark now', vars: { '--x': x(0) } }, 'now'),
  );
}

/** @param {number} span */
function scaled(span) {
  return Math.log(1 + span / NEAR);
}

/**
 * thinned leaves five marks at most, the last among them.
 * @param {[number, string][]} marks
 */
function thinned(marks) {
  const step = Math.ceil(marks.length / 4);
  return marks.filter((_, i) => (marks.length - 1 - i) % step === 0);
}
