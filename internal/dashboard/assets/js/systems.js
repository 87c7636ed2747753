/**
 * A row for each of the ten systems: how it is, what it did last, what it does next.
 * @module
 */

import { h } from './dom.js';
import { icon } from './icons.js';
import { levelOfHealth } from './light.js';
import { rowsOfSystems } from './rows.js';
import { button, card, levelMark, time } from './widgets.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('../../types').Status} Status
 * @typedef {import('./model.js').Known} Known
 * @typedef {import('./rows.js').Row} Row
 * @typedef {import('./rows.js').Moment} Moment
 */

/**
 * systems shows the rows.
 * @param {Page} page
 * @param {number} now
 */
export function systems(page, now) {
  const { known } = page.model;
  if (!known?.status) return null;
  const rows = rowsOfSystems(page, known, now);
  return card(
    'systems',
    'What Officer does',
    [],
    h(
      'div',
      { class: 'systems', role: 'table', 'aria-label': 'What Officer does' },
      h(
        'div',
        { class: 'systems-head', role: 'row' },
        ['System', 'Last', 'Next', 'Do now'].map((title) => h('span', { role: 'columnheader' }, title)),
      ),
      rows.map((r) => row(page, known.status ?? {}, r)),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Status} status
 * @param {Row} r
 */
function row(page, status, r) {
  const level = levelOf(status, r);
  const off = page.model.connection === 'silent';
  return h(
    'div',
    { key: r.name, class: 'system', role: 'row' },
    h(
      'div',
      { class: 'system-name', role: 'cell' },
      h('span', { class: `system-icon ${level}` }, icon(r.icon)),
      h(
        'div',
        null,
        h(
          'p',
          { class: 'system-title' },
          h('strong', null, r.name),
          level === 'good' || level === 'none' ? null : levelMark(level),
        ),
        h('p', { class: 'system-state' }, r.state),
        r.more ? h('p', { class: 'muted small-text' }, r.more) : null,
      ),
    ),
    h(
      'div',
      { class: r.last ? 'system-last' : 'system-last none', role: 'cell' },
      h('span', { class: 'cell-title' }, 'Last '),
      when(r.last),
    ),
    h(
      'div',
      { class: r.next ? 'system-next' : 'system-next none', role: 'cell' },
      h('span', { class: 'cell-title' }, 'Next '),
      when(r.next),
    ),
    h(
      'div',
      { class: 'system-do', role: 'cell' },
      (r.actions ?? []).map(([text, press]) =>
        button(text, press, { kind: 'small', disabled: off, key: text, label: `${r.name}: ${text}` }),
      ),
    ),
  );
}

/** @param {Moment} m */
function when(m) {
  return m ? time(m.at, m.words) : h('span', { class: 'muted' }, '–');
}

/**
 * The worst condition of a system is its light; a part of Officer that rests is one, too.
 * @param {Status} status
 * @param {Row} r
 */
function levelOf(status, r) {
  let level = r.level ?? 'good';
  for (const c of status.health?.conditions ?? []) {
    const mine = r.owns.includes(c.system ?? '') || r.owns.some((name) => c.code === `actor_gave_up:${name}`);
    const theirs = levelOfHealth(c.severity);
    if (mine && (theirs === 'bad' || (theirs === 'warn' && level !== 'bad'))) level = theirs;
  }
  return level;
}
