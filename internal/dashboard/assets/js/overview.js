/**
 * All databases, worst first.
 * @module
 */

import { h } from './dom.js';
import { many } from './format.js';
import { icon } from './icons.js';
import { WORDS, countsOf, judge, levelOfDatabase, tally } from './light.js';
import { silence } from './hero.js';
import { button, card, failure, levelMark } from './widgets.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('../../types').LookedAfter} LookedAfter
 */

const ORDER = { bad: 0, warn: 1, silent: 2, good: 3 };

const SAFE = 24; // safe ones shown before the rest is asked for
const FIND_FROM = 8; // so many databases need a field to find one

/**
 * overview shows them.
 * @param {Page} page
 * @param {number} now
 */
export function overview(page, now) {
  const all = [...(page.model.databases?.databases ?? [])].sort(worse);
  if (!page.model.databases) return [summary(page, now)];
  return [summary(page, now), lost(page.model.databases.problems ?? []), list(page, all)];
}

/**
 * @param {LookedAfter} a
 * @param {LookedAfter} b
 */
function worse(a, b) {
  return ORDER[levelOfDatabase(a)] - ORDER[levelOfDatabase(b)] || a.name.localeCompare(b.name, 'en', { numeric: true });
}

/** @param {NonNullable<import('../../types').Databases['problems']>} problems */
function lost(problems) {
  if (problems.length === 0) return null;
  /** @param {typeof problems[number]} p */
  const one = (p) =>
    h(
      'li',
      { key: p.path },
      h('p', null, h('strong', null, h('bdi', null, p.path ?? ''))),
      p.failure ? failure(p.failure) : null,
    );
  return card('problems', 'Not looked after', [], h('ul', { class: 'problems' }, problems.map(one)));
}

/**
 * @param {Page} page
 * @param {LookedAfter[]} all
 */
function list(page, all) {
  const { ui, connection } = page.model;
  const text = (ui.search ?? '').toLowerCase();
  const wanted = all.filter((d) => `${d.name} ${d.path}`.toLowerCase().includes(text));
  const sick = wanted.filter((d) => levelOfDatabase(d) !== 'good').length;
  const shown = ui.allDatabases ? wanted : wanted.slice(0, sick + SAFE);
  const silent = connection === 'silent';
  return card(
    'databases',
    'Databases',
    [all.length > FIND_FROM ? find(page) : null],
    wanted.length === 0 ? h('p', { class: 'empty' }, text ? 'No database matches.' : 'No database is looked after.') : null,
    h(
      'ul',
      { class: 'databases' },
      shown.map((d) => row(d, silent)),
    ),
    shown.length < wanted.length
      ? h(
          'p',
          { class: 'more' },
          button(`Show ${many(wanted.length - shown.length, 'more safe one')}`, () => page.set({ allDatabases: true }), {
            kind: 'ghost',
          }),
        )
      : null,
  );
}

/** @param {Page} page */
function find(page) {
  return h(
    'label',
    { class: 'field' },
    h('span', { class: 'sr' }, 'Only databases with this in name or path'),
    icon('search'),
    h('input', {
      type: 'search',
      id: 'find',
      placeholder: 'Find a database',
      value: page.model.ui.search ?? '',
      autocomplete: 'off',
      oninput: (/** @type {Event} */ e) => page.search(/** @type {HTMLInputElement} */ (e.target).value),
    }),
  );
}

/**
 * @param {Page} page
 * @param {number} now
 */
function summary(page, now) {
  const { databases, connection } = page.model;
  const light = judge(page.model);
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
      h('h1', { id: 'headline' }, light.headline),
      connection === 'silent' ? silence(page, now) : h('p', { class: 'hero-proof' }, databases ? countsOf(tally(databases)) : ''),
    ),
  );
}

/**
 * @param {LookedAfter} d
 * @param {boolean} silent
 */
function row(d, silent) {
  const level = silent ? 'silent' : levelOfDatabase(d);
  return h(
    'li',
    { key: `${d.name}\n${d.path}` },
    h(
      'a',
      { class: 'database', href: `#/${encodeURIComponent(d.name)}` },
      levelMark(level, WORDS[level]),
      h(
        'span',
        { class: 'database-words' },
        h(
          'span',
          { class: 'database-name' },
          h('strong', null, h('bdi', null, d.name)),
          h('span', { class: 'muted small-text path' }, h('bdi', null, d.path ?? '')),
        ),
        h('span', { class: 'database-headline' }, silent ? 'Not known now' : d.headline || WORDS[level]),
      ),
      icon('right', 'chevron'),
    ),
  );
}
