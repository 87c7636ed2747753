/**
 * Light, dark, or as the system says; kept in this browser. first.js applies what was kept
 * before anything is drawn.
 * @module
 */

import { h } from './dom.js';
import { icon } from './icons.js';

/** @type {[string, string, string][]} */
const THEMES = [
  ['system', 'Colours as the system has them', 'system'],
  ['light', 'Light colours', 'sun'],
  ['dark', 'Dark colours', 'moon'],
];

/**
 * chooser is the control for it.
 * @param {() => void} changed
 */
export function chooser(changed) {
  const { dataset } = document.documentElement;
  /** @param {string} name */
  const choose = (name) => {
    if (name === 'system') delete dataset.theme;
    else dataset.theme = name;
    try {
      localStorage.setItem('officer-theme', name);
    } catch {
      /* a browser that keeps nothing: it holds until the page is closed */
    }
    changed();
  };
  return h(
    'div',
    { class: 'choice-row themes', role: 'group', 'aria-label': 'Colours' },
    THEMES.map(([name, words, picture]) =>
      h(
        'button',
        {
          key: name,
          type: 'button',
          class: 'segment square',
          'aria-pressed': String(name === (dataset.theme ?? 'system')),
          'aria-label': words,
          title: words,
          onclick: () => choose(name),
        },
        icon(picture),
      ),
    ),
  );
}
