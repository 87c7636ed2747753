/**
 * What happened: events of the journal, and the log, each with a filter.
 * @module
 */

import { h } from './dom.js';
import { clock, many, moment } from './format.js';
import { icon } from './icons.js';
import { card, empty, levelMark, time } from './widgets.js';
import { levelOf, sentence } from './words.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('./model.js').Known} Known
 * @typedef {import('../../types').OfficerEvent} OfficerEvent
 * @typedef {import('../../types').LogRecord} LogRecord
 * @typedef {{tab?: 'events' | 'log', text?: string, type?: string, level?: string, all?: boolean}} Filter
 */

const FIRST = 25; // shown until all are asked for
const LEVELS = ['debug', 'info', 'warn', 'error'];
/** @type {Record<string, string>} */
const MARKS = { error: 'bad', warn: 'warn' };

/**
 * feed shows one of the two.
 * @param {Page} page
 * @param {number} now
 */
export function feed(page, now) {
  const { known, ui } = page.model;
  if (!known?.status) return null;
  /** @type {Filter} */
  const filter = ui.feed ?? {};
  const tab = filter.tab ?? 'events';
  return card(
    'feed',
    'What happened',
    [tabs(page, tab)],
    h(
      'div',
      { id: 'feed-panel', role: 'tabpanel', 'aria-labelledby': `tab-${tab}` },
      h(
        'div',
        { class: 'filters', role: 'search' },
        textFilter(page, filter, tab),
        tab === 'events' ? typeFilter(page, known, filter) : levelFilter(page, filter),
      ),
      tab === 'events' ? events(page, known, filter, now) : log(page, known, filter, now),
    ),
  );
}

/**
 * @param {Page} page
 * @param {string} tab
 */
function tabs(page, tab) {
  const both = /** @type {const} */ ([
    ['events', 'Events'],
    ['log', 'Log'],
  ]);
  /** @param {KeyboardEvent} e */
  const turn = (e) => {
    if (e.key !== 'ArrowLeft' && e.key !== 'ArrowRight') return;
    const other = tab === 'events' ? 'log' : 'events';
    page.filter({ tab: other });
    document.getElementById(`tab-${other}`)?.focus();
  };
  return h(
    'div',
    {
      class: 'choice-row',
      role: 'tablist',
      'aria-label': 'What happened',
      onkeydown: turn,
    },
    both.map(([name, words]) =>
      h(
        'button',
        {
          key: name,
          id: `tab-${name}`,
          type: 'button',
          role: 'tab',
          class: 'segment',
          'aria-selected': String(name === tab),
          'aria-controls': 'feed-panel',
          tabindex: name === tab ? '0' : '-1',
          onclick: () => page.filter({ tab: name }),
        },
        words,
      ),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Filter} filter
 * @param {string} tab
 */
function textFilter(page, filter, tab) {
  return h(
    'label',
    { class: 'field grow' },
    h('span', { class: 'sr' }, `Only ${tab} with these words`),
    icon('search'),
    h('input', {
      type: 'search',
      id: 'feed-text',
      placeholder: 'Filter by words',
      value: filter.text ?? '',
      autocomplete: 'off',
      oninput: (/** @type {Event} */ e) => page.filter({ text: /** @type {HTMLInputElement} */ (e.target).value }),
    }),
  );
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {Filter} filter
 */
function typeFilter(page, known, filter) {
  const types = [...new Set(known.events.map((e) => e.type))].sort();
  const groups = [...new Set(types.map((type) => type.split('.')[0]))];
  return select(
    'Type',
    filter.type ?? '',
    [
      ['', 'All types'],
      ...groups.flatMap((group) => [
        /** @type {[string, string]} */ ([`${group}.`, `${group}: all`]),
        ...types
          .filter((type) => type.startsWith(`${group}.`))
          .map(
            (type) => /** @type {[string, string]} */ ([type, `${group}: ${type.slice(group.length + 1).replaceAll('_', ' ')}`]),
          ),
      ]),
    ],
    (type) => page.filter({ type }),
  );
}

/**
 * @param {Page} page
 * @param {Filter} filter
 */
function levelFilter(page, filter) {
  return select(
    'Level',
    filter.level ?? 'debug',
    LEVELS.map((level) => [level, level === 'debug' ? 'All levels' : level === 'error' ? 'Errors only' : `${level} and worse`]),
    (level) => page.filter({ level }),
  );
}

/**
 * @param {string} label
 * @param {string} value
 * @param {[string, string][]} options
 * @param {(value: string) => void} choose
 */
function select(label, value, options, choose) {
  return h(
    'label',
    { key: label, class: 'field' },
    h('span', { class: 'sr' }, label),
    h(
      'select',
      {
        value,
        onchange: (/** @type {Event} */ e) => choose(/** @type {HTMLSelectElement} */ (e.target).value),
      },
      options.map(([v, words]) => h('option', { key: v, value: v }, words)),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {Filter} filter
 * @param {number} now
 */
function events(page, known, filter, now) {
  const type = filter.type ?? '';
  const wanted = known.events
    .filter(
      (e) =>
        (type.endsWith('.') ? e.type.startsWith(type) : !type || e.type === type) && matches(filter.text, sentence(e), e.type),
    )
    .reverse();
  return list(page, filter, wanted, known.events.length > 0, known.refused.events, (e) =>
    h(
      'li',
      { key: e.sequence, class: 'entry' },
      h(
        'details',
        null,
        h(
          'summary',
          null,
          stamp(e.timeUnixMs, now),
          levelMark(levelOf(e)),
          h('span', { class: 'entry-text' }, sentence(e)),
          h('code', { class: 'code' }, e.type),
        ),
        h('pre', { tabindex: '0' }, JSON.stringify(e, null, 2)),
      ),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {Filter} filter
 * @param {number} now
 */
function log(page, known, filter, now) {
  const least = LEVELS.indexOf(filter.level ?? 'debug');
  const wanted = known.logs
    .filter((r) => LEVELS.indexOf(r.level ?? 'info') >= least && matches(filter.text, r.message, r.component, r.context))
    .reverse();
  return list(page, filter, wanted, known.logs.length > 0, known.refused.logs, (r) =>
    h(
      'li',
      { key: r.sequence, class: 'entry' },
      h(
        'details',
        null,
        h(
          'summary',
          null,
          stamp(r.timeUnixMs, now),
          levelMark(MARKS[r.level ?? ''] ?? 'none', r.level),
          h('span', { class: 'entry-text' }, r.message),
          h('code', { class: 'code' }, r.component),
        ),
        h(
          'pre',
          { tabindex: '0' },
          [`${r.level} ${r.component}: ${r.message}`, readable(r.context), r.stack].filter(Boolean).join('\n'),
        ),
      ),
    ),
  );
}

/** @param {string | undefined} context */
function readable(context) {
  try {
    return JSON.stringify(JSON.parse(context ?? ''), null, 2);
  } catch {
    return context;
  }
}

/**
 * @template {OfficerEvent | LogRecord} T
 * @param {Page} page
 * @param {Filter} filter
 * @param {T[]} wanted
 * @param {boolean} any
 * @param {import('../../types').Failure | undefined} why
 * @param {(one: T) => import('./dom.js').VNode} entry
 */
function list(page, filter, wanted, any, why, entry) {
  if (wanted.length === 0) return empty(why, any ? 'Nothing matches the filter.' : 'Nothing yet.');
  const shown = filter.all ? wanted : wanted.slice(0, FIRST);
  return h(
    'div',
    null,
    h('ol', { class: 'entries', reversed: true }, shown.map(entry)),
    shown.length < wanted.length
      ? h(
          'button',
          {
            type: 'button',
            class: 'button ghost',
            onclick: () => page.filter({ all: true }),
          },
          `Show ${many(wanted.length - shown.length, 'more', 'more')}`,
        )
      : null,
  );
}

/**
 * @param {number | undefined} at
 * @param {number} now
 */
function stamp(at = 0, now) {
  const words = moment(at, now);
  return h('span', { class: 'entry-time num' }, time(at, words.startsWith('today') ? clock(at) : words));
}

/**
 * @param {string | undefined} text
 * @param {...(string | undefined)} where
 */
function matches(text, ...where) {
  const words = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const all = where.join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
}
