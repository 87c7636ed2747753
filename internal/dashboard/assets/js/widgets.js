/**
 * Small pieces that every part of the page uses.
 * @module
 */

import { announce } from './announce.js';
import { h } from './dom.js';
import { exact } from './format.js';
import { icon } from './icons.js';
import { LEVEL_WORDS } from './words.js';

/** @typedef {import('./dom.js').Child} Child */

/**
 * time shows a moment in words; what exactly it was is its title.
 * @param {number | undefined} at
 * @param {string} words
 */
export function time(at, words) {
  if (!at) return h('span', { class: 'muted' }, words);
  return h('time', { datetime: new Date(at).toISOString(), title: exact(at) }, words);
}

/**
 * button makes one; busy keeps its place and its focus, but it does nothing.
 * @param {string} text
 * @param {() => void} press
 * @param {{kind?: string, icon?: string, disabled?: boolean, label?: string, key?: string, id?: string, describedby?: string}} [look]
 */
export function button(text, press, look = {}) {
  return h(
    'button',
    {
      key: look.key,
      id: look.id,
      type: 'button',
      class: `button ${look.kind ?? ''}`.trim(),
      'aria-disabled': look.disabled ? 'true' : undefined,
      'aria-label': look.label,
      'aria-describedby': look.describedby,
      onclick: () => {
        if (!look.disabled) press();
      },
    },
    look.icon ? icon(look.icon) : null,
    h('span', null, text),
  );
}

/**
 * levelMark is an icon with its word, which only a screen reader is told.
 * @param {string} level
 * @param {string} [word]
 */
export function levelMark(level, word = LEVEL_WORDS[/** @type {'good'} */ (level)] ?? '') {
  return h('span', { class: `mark ${level}` }, icon(level), h('span', { class: 'sr' }, word ? `${word}: ` : ''));
}

/**
 * badge is a word in a frame.
 * @param {string} text
 * @param {string} [level]
 * @param {string} [title]
 */
export function badge(text, level = '', title = undefined) {
  return h('span', { class: `badge ${level}`.trim(), title }, text);
}

/**
 * hint shows what one can do; a command can be copied.
 * @param {string} text
 */
export function hint(text) {
  if (/^https:\/\/(www\.)?sqlite\.org\//.test(text)) {
    return h('a', { class: 'hint-link', href: text, rel: 'noreferrer', target: '_blank' }, text);
  }
  if (!isCommand(text)) return h('p', { class: 'hint-words' }, text);
  return h(
    'div',
    { class: 'command' },
    h('code', { tabindex: '0' }, text),
    h(
      'button',
      {
        type: 'button',
        class: 'button ghost small',
        'aria-label': `Copy: ${text}`,
        onclick: () => copy(text),
      },
      icon('copy'),
      h('span', null, 'Copy'),
    ),
  );
}

/** @param {string} text */
export function isCommand(text) {
  return /^(officer|df|du|lsof|sudo|rm|mv|cp|kill|systemctl) /.test(text);
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce('Copied');
  } catch {
    // Without TLS a browser gives no clipboard: the text is selected instead.
    for (const code of document.querySelectorAll('.command code')) {
      if (code.textContent === text) window.getSelection()?.selectAllChildren(code);
    }
    announce('Selected; copy it with your keyboard');
  }
}

/**
 * failure says what happened, what Officer did, whether data changed, and what one can do.
 * @param {import('../../types').Failure} f
 */
export function failure(f) {
  const done = f.did || 'Nothing was changed.';
  const changed = f.dataChanged
    ? 'The database was changed.'
    : /nothing|database/i.test(done)
      ? ''
      : 'The database was not changed.';
  return h(
    'div',
    { class: 'failure' },
    h('p', { class: 'failure-text' }, f.text, h('code', { class: 'code' }, f.code)),
    h('p', { class: 'muted' }, `${done} ${changed}`.trim()),
    (f.hints ?? []).map(hint),
  );
}

/**
 * card is a section with its heading.
 * @param {string} id
 * @param {string} title
 * @param {(Child | null)[]} aside stands right of the heading
 * @param {...(Child | null | undefined | false | (Child | null)[])} children
 */
export function card(id, title, aside, ...children) {
  return h(
    'section',
    { key: id, id, class: 'card', 'aria-labelledby': `${id}-title` },
    h('header', { class: 'card-head' }, h('h2', { id: `${id}-title` }, title), aside),
    ...children,
  );
}

/**
 * refused says in a section why it has nothing to show.
 * @param {import('../../types').Failure | undefined} why
 * @param {string} meanwhile
 */
export function empty(why, meanwhile) {
  return h('p', { class: 'empty' }, why ? `Officer cannot say: ${why.text}` : meanwhile);
}
