/**
 * The first thing seen: the light, one sentence, one line of proof, three actions, and
 * what is going on.
 * @module
 */

import { h } from './dom.js';
import { ago, many, moment, percent, size } from './format.js';
import { icon } from './icons.js';
import { isDamaged, judge, proof } from './light.js';
import { outcomeOf, progressOf, titleOf } from './outcome.js';
import { button, failure, hint, levelMark, time } from './widgets.js';
import { sqliteVersion } from './words.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('../../types').Operation} Operation
 */

const LONG = 80; // a sentence beyond is written smaller

/**
 * hero shows the state of one database.
 * @param {Page} page
 * @param {number} now
 */
export function hero(page, now) {
  const { model } = page;
  const light = judge(model);
  return h(
    'section',
    {
      key: 'hero',
      class: `hero ${light.level}`,
      'aria-labelledby': 'headline',
    },
    h('div', { class: 'hero-light' }, icon(light.level)),
    h(
      'div',
      { class: 'hero-words' },
      h('p', { class: 'hero-word' }, light.word),
      h('h1', { id: 'headline', class: light.headline.length > LONG ? 'long' : undefined }, light.headline),
      model.connection === 'silent'
        ? silence(page, now)
        : h(
            'p',
            { class: 'hero-proof' },
            proof(model.known?.status, now).map((piece) => (piece.strong ? h('strong', null, piece.text) : piece.text)),
          ),
      actions(page),
    ),
    work(page, now),
  );
}

/**
 * @param {Page} page
 * @param {number} now
 */
export function silence(page, now) {
  const { known, heardAt } = page.model;
  const path = known?.status?.facts?.path ?? known?.name ?? 'app.db';
  return h(
    'div',
    { class: 'hero-proof' },
    h(
      'p',
      null,
      heardAt ? ['It last answered ', time(heardAt, ago(heardAt, now)), '. What stands below is from then. '] : '',
      'This page asks again by itself.',
    ),
    hint(`officer run ${quoted(path)}`),
  );
}

/**
 * quoted makes a path one word of a shell.
 * @param {string} path
 */
export function quoted(path) {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** @param {Page} page */
function actions(page) {
  const off = page.model.connection === 'silent' || !page.model.known?.status;
  const busy = (/** @type {string} */ kind) => page.work.shown().some((o) => o.state === 'running' && o.kind === kind);
  const restoreFirst = isDamaged(page.model.known?.status);
  const all = [
    button('Back up now', () => page.backUp(), { id: 'back-up', icon: 'backup', disabled: off || busy('backup') }),
    button('Restore…', () => page.restore(), { id: 'restore', icon: 'restore', disabled: off || busy('restore') }),
    button('Check now', () => page.check(), { id: 'check', icon: 'integrity', disabled: off || busy('check') }),
  ];
  // The first stands out: for a damaged database that is the way back.
  if (restoreFirst) all.unshift(...all.splice(1, 1));
  return h('div', { class: 'hero-actions' }, all);
}

/**
 * @param {Page} page
 * @param {number} now
 */
function work(page, now) {
  const shown = page.work.shown();
  if (shown.length === 0) return null;
  return h(
    'ul',
    { key: 'work', class: 'work', 'aria-label': 'What is going on' },
    shown.map((o) => h('li', { key: o.id }, o.state === 'running' ? running(page, o) : ended(page, o, now))),
  );
}

/**
 * @param {Page} page
 * @param {Operation} o
 */
function running(page, o) {
  const { share, text } = progressOf(o);
  const cancelling = page.model.ui.cancelling === o.id;
  return h(
    'div',
    { class: 'work-row running' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    h(
      'div',
      { class: 'work-words' },
      h(
        'p',
        null,
        h('strong', null, titleOf(o)),
        ` ${cancelling ? 'cancelling' : text}`,
        share === undefined ? null : h('span', { class: 'muted num' }, ` · ${percent(share)}`),
      ),
      progressBar(titleOf(o), share),
    ),
    button('Cancel', () => page.work.cancel(o.id), {
      kind: 'small',
      label: `Cancel: ${titleOf(o)}`,
      disabled: cancelling || o.id.startsWith('new-'),
    }),
  );
}

/**
 * progressBar shows a share of 0 to 1, or that work goes on.
 * @param {string} label
 * @param {number | undefined} share
 */
export function progressBar(label, share) {
  const known = share !== undefined;
  return h(
    'div',
    {
      class: known ? 'bar' : 'bar unknown',
      role: 'progressbar',
      'aria-label': label,
      'aria-valuemin': '0',
      'aria-valuemax': '100',
      'aria-valuenow': known ? Math.round(share * 100) : undefined,
    },
    h('div', { class: 'bar-done', vars: { '--share': String(known ? share : 1) } }),
  );
}

/**
 * @param {Page} page
 * @param {Operation} o
 * @param {number} now
 */
function ended(page, o, now) {
  const outcome = outcomeOf(o);
  const refused = o.failure && o.state !== 'cancelled';
  return h(
    'div',
    { class: `work-row ended ${outcome.level}` },
    levelMark(outcome.level),
    h(
      'div',
      { class: 'work-words' },
      refused ? failure(/** @type {import('../../types').Failure} */ (o.failure)) : h('p', null, outcome.text),
      details(outcome.details),
      h('p', { class: 'muted small-text' }, time(o.endedAtUnixMs, ago(o.endedAtUnixMs, now))),
    ),
    next(page, outcome.next),
    button('Dismiss', () => page.work.dismiss(o.id), { kind: 'ghost small', label: `Dismiss: ${titleOf(o)}` }),
  );
}

/** @param {string[] | undefined} lines */
export function details(lines = []) {
  if (lines.length === 0) return null;
  const rest = lines.length - 5;
  return h(
    'ul',
    { class: 'details' },
    lines.slice(0, 5).map((line) => h('li', null, line)),
    rest > 0 ? h('li', { class: 'muted' }, `and ${many(rest, 'more', 'more')}`) : null,
  );
}

/**
 * @param {Page} page
 * @param {string | undefined} what
 */
function next(page, what) {
  switch (what) {
    case 'restore':
      return button('Restore…', () => page.restore(), { kind: 'small primary' });
    case 'force backup':
      return button('Back up anyway', () => page.backUp(true), { kind: 'small' });
    case 'undo':
      return button('Undo…', () => page.undo(), { kind: 'small', icon: 'undo' });
  }
  return null;
}

/**
 * facts is the line that says which database this is.
 * @param {Page} page
 * @param {number} now
 */
export function facts(page, now) {
  const { model } = page;
  const { status, name } = model.known ?? {};
  const f = status?.facts;
  const pieces = [
    f?.sizeBytes ? size(f.sizeBytes) : undefined,
    f?.journalMode === 'wal' ? 'WAL' : f?.journalMode ? `journal mode ${f.journalMode}` : undefined,
    f?.source?.writerVersion ? `last written by SQLite ${sqliteVersion(f.source.writerVersion)}` : undefined,
    status?.startedAtUnixMs ? `looked after since ${moment(status.startedAtUnixMs, now)}` : undefined,
  ].filter((piece) => piece !== undefined);
  return h(
    'div',
    { key: 'facts', class: 'facts' },
    several(model) ? h('a', { class: 'back', href: '#/' }, icon('left'), h('span', null, 'All databases')) : null,
    h('p', { class: 'facts-name' }, icon('database'), h('strong', null, name ?? '')),
    h('p', { class: 'facts-path', title: f?.path ?? status?.database }, h('bdi', null, f?.path ?? status?.database ?? '')),
    h('p', { class: 'facts-more' }, pieces.join(' · ')),
  );
}

/** @param {import('./model.js').Model} model */
export function several(model) {
  return (model.databases?.databases?.length ?? 0) + (model.databases?.problems?.length ?? 0) > 1;
}
