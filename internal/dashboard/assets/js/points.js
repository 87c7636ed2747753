/**
 * Restore points: every stored backup, compared with now.
 * @module
 */

import { downloadUrl } from './api.js';
import { h } from './dom.js';
import { ago, count, exact, many, moment, signed, size, took } from './format.js';
import { icon } from './icons.js';
import { timeline } from './timeline.js';
import { badge, button, card, empty, levelMark, time } from './widgets.js';
import { untilOf, reasonOf, rowsOf, standing } from './words.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('./model.js').Known} Known
 * @typedef {import('../../types').Backup} Backup
 */

/**
 * points shows them.
 * @param {Page} page
 * @param {number} now
 */
export function points(page, now) {
  const { known } = page.model;
  if (!known?.status) return null;
  const list = known.backups?.backups ?? [];
  const why = known.refused.backups;
  return card(
    'points',
    'Restore points',
    [h('span', { class: 'muted' }, list.length > 0 ? summary(list, now) : '')],
    list.length === 0
      ? empty(
          why,
          known.backups
            ? 'No backup yet. The first is made as soon as Officer has checked the database.'
            : 'Asking for the list …',
        )
      : [
          timeline(list, now),
          h(
            'div',
            { class: 'points', role: 'table', 'aria-label': 'Restore points' },
            h(
              'div',
              { class: 'points-head', role: 'row' },
              ['Taken', 'Size', 'Rows', 'Kept as', 'Kept until', 'Do'].map((title) => h('span', { role: 'columnheader' }, title)),
            ),
            live(known),
            list.map((b) => row(page, known, b, now)),
          ),
        ],
  );
}

/**
 * @param {Backup[]} list
 * @param {number} now
 */
function summary(list, now) {
  const bytes = list.reduce((sum, b) => sum + (b.sizeBytes ?? 0), 0);
  const oldest = Math.min(...list.map((b) => b.takenAtUnixMs ?? now));
  return `${many(list.length, 'backup')}, ${size(bytes)}, back to ${moment(oldest, now)}`;
}

/**
 * now is the first row: what the others are compared with.
 * @param {Known} known
 */
function live(known) {
  const f = known.status?.facts;
  const rows = rowsNow(known);
  return h(
    'div',
    { class: 'point now', role: 'row' },
    h(
      'div',
      { class: 'point-taken', role: 'cell' },
      h('span', { class: 'mark' }, icon('database')),
      h('div', null, h('strong', null, 'Now'), h('p', { class: 'muted small-text' }, 'the live database')),
    ),
    h('div', { class: 'num', role: 'cell' }, size(f?.sizeBytes)),
    h('div', { class: 'num', role: 'cell' }, rows === undefined ? h('span', { class: 'muted' }, 'see Restore…') : count(rows)),
    h('div', { class: 'point-kept', role: 'cell' }, ''),
    h('div', { role: 'cell', class: 'point-goes' }, ''),
    h('div', { role: 'cell', class: 'point-do' }, ''),
  );
}

/**
 * rowsNow adds up the newest sample of each table.
 * @param {Known} known
 * @returns {number | undefined}
 */
export function rowsNow(known) {
  const series = (known.history ?? []).filter((s) => s.name.startsWith('rows:') && (s.points ?? []).length > 0);
  if (series.length === 0) return undefined;
  return series.reduce((sum, s) => sum + (s.points?.at(-1)?.value ?? 0), 0);
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {Backup} b
 * @param {number} now
 */
function row(page, known, b, now) {
  const { level, word, why } = standing(b);
  const open = page.model.ui.open === b.id;
  const rows = rowsOf(b);
  const live = known.status?.facts?.sizeBytes;
  return h(
    'div',
    { key: b.id, class: `point ${open ? 'open' : ''}`, role: 'rowgroup' },
    h(
      'div',
      { class: 'point-row', role: 'row' },
      h(
        'div',
        { class: 'point-taken', role: 'cell' },
        levelMark(level, word),
        h(
          'div',
          null,
          h(
            'button',
            {
              type: 'button',
              class: 'link',
              'aria-expanded': String(open),
              'aria-controls': `point-${b.id}`,
              onclick: () => page.open(open ? undefined : b.id),
            },
            ago(b.takenAtUnixMs, now),
            icon('right', 'chevron'),
          ),
          h(
            'p',
            { class: 'muted small-text' },
            time(b.takenAtUnixMs, moment(b.takenAtUnixMs ?? 0, now)),
            level === 'good' || word === b.tier ? null : ` · ${word}`,
          ),
        ),
      ),
      h('div', { class: 'num', role: 'cell' }, size(b.sizeBytes), compared(b.sizeBytes, live, size)),
      h('div', { class: 'num', role: 'cell' }, rows === undefined ? '–' : count(rows), compared(rows, rowsNow(known), count)),
      h(
        'div',
        { class: 'point-kept', role: 'cell' },
        badge(b.tier ?? '', level === 'good' ? '' : level),
        b.pinned && b.tier !== 'pinned' ? badge('pinned') : null,
        h('p', { class: 'muted small-text' }, b.keepReason ?? why),
      ),
      h('div', { class: 'point-goes', role: 'cell' }, h('span', { title: b.expiresBecause }, untilOf(b, now))),
      h(
        'div',
        { class: 'point-do', role: 'cell' },
        level === 'bad'
          ? null
          : button('Restore…', () => page.restore(b.id), {
              kind: 'small',
              label: `Restore the backup of ${moment(b.takenAtUnixMs ?? 0, now)}`,
              disabled: page.model.connection === 'silent',
            }),
      ),
    ),
    open ? details(page, b, now) : null,
  );
}

/**
 * compared is the difference between now and then: what a restore would take away or bring.
 * @param {number | undefined} then
 * @param {number | undefined} live
 * @param {(n: number) => string} write
 */
function compared(then, live, write) {
  if (then === undefined || live === undefined) return null;
  const difference = then - live;
  return h('p', { class: 'muted small-text' }, difference === 0 ? 'as now' : `${signed(difference, write)}`);
}

/**
 * @param {Page} page
 * @param {Backup} b
 * @param {number} now
 */
function details(page, b, now) {
  const off = page.model.connection === 'silent';
  const { word, why } = standing(b);
  /** @type {[string, string][]} */
  const facts = [
    ['Verdict', why ? `${word}, ${why}` : word],
    ['Taken', `${exact(b.takenAtUnixMs ?? 0)}${b.reason ? ` (${reasonOf(b.reason)})` : ''}`],
    [
      'Took',
      `${took(b.copyMs)} to copy, ${took(b.verifyMs)} to verify${b.worstWriterStallMs ? `; writers waited ${took(b.worstWriterStallMs)} at most` : ''}`,
    ],
    ['Kept because', b.keepReason ?? ''],
    ['Kept until', b.expiresBecause ?? untilOf(b, now)],
    ['File', b.path ?? b.file ?? ''],
    ['SHA-256', b.sha256 ?? ''],
  ];
  const tables = b.content?.tables ?? [];
  return h(
    'div',
    { class: 'point-details', id: `point-${b.id}`, role: 'row' },
    h(
      'div',
      { role: 'cell' },
      h(
        'div',
        { class: 'point-actions' },
        button('Verify', () => page.verify(b.id), { kind: 'small', icon: 'verify', disabled: off }),
        b.pinned
          ? button('Unpin', () => page.pin(b.id, false), { kind: 'small', icon: 'pin', disabled: off })
          : button('Pin', () => page.pin(b.id, true), { kind: 'small', icon: 'pin', disabled: off }),
        button('Drill', () => page.drill(b.id), { kind: 'small', icon: 'restore', disabled: off }),
        h(
          'a',
          {
            class: 'button small',
            href: downloadUrl(page.model.known?.name ?? '', b.id),
            download: '',
          },
          icon('download'),
          h('span', null, 'Download'),
        ),
      ),
      h(
        'dl',
        { class: 'pairs' },
        facts
          .filter(([, value]) => value)
          .map(([name, value]) => h('div', { key: name }, h('dt', null, name), h('dd', null, value))),
      ),
      tables.length > 0
        ? h(
            'details',
            { key: 'tables' },
            h('summary', null, many(tables.length, 'table')),
            h(
              'ul',
              { class: 'tables' },
              tables.map((t) =>
                h('li', { key: t.name }, h('bdi', null, t.name), h('span', { class: 'num muted' }, many(t.rows ?? 0, 'row'))),
              ),
            ),
          )
        : null,
    ),
  );
}
