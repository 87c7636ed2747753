/**
 * What is wrong now, worst first, each with what one can do about it here or in a terminal.
 * @module
 */

import { h } from './dom.js';
import { age } from './format.js';
import { icon } from './icons.js';
import { WORDS, levelOfHealth } from './light.js';
import { button, card, hint, isCommand, time } from './widgets.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('../../types').Condition} Condition
 */

const ORDER = { bad: 0, warn: 1, good: 2, silent: 3 };

/**
 * conditions lists them; nothing when there are none.
 * @param {Page} page
 * @param {number} now
 */
export function conditions(page, now) {
  const list = [...(page.model.known?.status?.health?.conditions ?? [])];
  if (list.length === 0) return null;
  list.sort((a, b) => ORDER[levelOfHealth(a.severity)] - ORDER[levelOfHealth(b.severity)]);
  return card(
    'conditions',
    'What to do',
    [],
    h(
      'ul',
      { class: 'conditions' },
      list.map((c) => condition(page, c, now)),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Condition} c
 * @param {number} now
 */
function condition(page, c, now) {
  const level = levelOfHealth(c.severity);
  const remark = level === 'good';
  const press = remedy(page, c.hint);
  return h(
    'li',
    { key: c.code, class: `condition ${remark ? 'none' : level}` },
    h('div', { class: 'condition-icon' }, icon(remark ? 'none' : level)),
    h(
      'div',
      { class: 'condition-words' },
      h(
        'p',
        { class: 'condition-meta' },
        h('strong', null, remark ? 'Note' : WORDS[level]),
        c.sinceUnixMs ? [' · ', time(c.sinceUnixMs, `for ${age(Math.max(0, now - c.sinceUnixMs))}`)] : '',
        h('code', { class: 'code' }, c.code),
      ),
      h('p', { class: 'condition-text' }, c.text),
      c.hint ? hint(c.hint) : null,
    ),
    press,
  );
}

/**
 * remedy is the button that does here what the hint's command does.
 * @param {Page} page
 * @param {string | undefined} text
 */
function remedy(page, text) {
  if (!text || !isCommand(text)) return null;
  const verb = text.split(' ', 2)[1];
  const off = page.model.connection === 'silent';
  switch (verb) {
    case 'backup':
      return button('Back up now', () => page.backUp(), { disabled: off });
    case 'restore':
      return button('Restore…', () => page.restore(), { kind: 'primary', disabled: off });
    case 'check':
      return button('Check now', () => page.check(), { disabled: off });
    case 'verify':
      return button('Verify all', () => page.verify(), { disabled: off });
    case 'drill':
      return button('Hold a drill', () => page.drill(), { disabled: off });
    case 'checkpoint':
      return button('Empty the WAL', () => page.checkpoint(), { disabled: off });
    case 'vacuum':
      return button('VACUUM', () => page.vacuum(), { disabled: off });
    case 'analyze':
      return button('Renew statistics', () => page.analyze(), { disabled: off });
  }
  return null;
}
