/**
 * What frames every view.
 * @module
 */

import { h } from './dom.js';
import { ago } from './format.js';
import { facts, quoted } from './hero.js';
import { icon } from './icons.js';
import { chooser } from './theme.js';
import { hint } from './widgets.js';

/** @typedef {import('./main.js').Page} Page */

/**
 * header is the top: where one is, whether Officer answers, and the colours.
 * @param {Page} page
 * @param {number} now
 */
export function header(page, now) {
  const { model } = page;
  const words = { connecting: 'Connecting', live: 'Live', polling: 'Every minute', silent: 'No answer', login: 'Logged out' }[
    model.connection
  ];
  return h(
    'header',
    { key: 'header', class: 'top' },
    h(
      'a',
      {
        class: 'skip',
        href: '#main',
        onclick: (/** @type {Event} */ e) => {
          e.preventDefault();
          document.getElementById('main')?.focus();
        },
      },
      'Skip to content',
    ),
    h('a', { class: 'brand', href: '#/' }, icon('good'), h('span', null, 'Officer')),
    model.known ? facts(page, now) : h('div', { class: 'facts' }),
    h(
      'p',
      {
        class: `line ${model.connection}`,
        title: model.heardAt ? `Last answer ${ago(model.heardAt, now)}` : undefined,
      },
      h('span', { class: 'dot', 'aria-hidden': 'true' }),
      words,
    ),
    chooser(() => page.draw()),
  );
}

/**
 * login is what somebody sees whose session is over, or who came without a link.
 * @param {Page} page
 */
export function login(page) {
  const name = page.model.known?.name ?? new URLSearchParams(location.search).get('database') ?? 'app.db';
  return h(
    'section',
    { key: 'login', class: 'hero silent', 'aria-labelledby': 'headline' },
    h('div', { class: 'hero-light' }, icon('login')),
    h(
      'div',
      { class: 'hero-words' },
      h('p', { class: 'hero-word' }, 'Logged out'),
      h('h1', { id: 'headline' }, 'Your session has ended.'),
      h(
        'p',
        { class: 'hero-proof' },
        'Officer goes on looking after the data. To come back, run this on its machine; it opens this page with a new link:',
      ),
      hint(`officer dashboard ${quoted(name)}`),
    ),
  );
}

/**
 * footer names the process that answers.
 * @param {Page} page
 * @param {number} now
 */
export function footer(page, now) {
  const { status } = page.model.known ?? {};
  return h(
    'footer',
    { key: 'footer', class: 'foot' },
    status
      ? [
          h('span', null, `Officer ${status.officerVersion ?? ''}`),
          h('span', null, `process ${status.pid ?? ''}`),
          h('span', null, `running for ${ago(status.startedAtUnixMs, now).replace(' ago', '')}`),
          h('span', { class: 'path' }, h('bdi', null, status.home ?? '')),
        ]
      : null,
  );
}
