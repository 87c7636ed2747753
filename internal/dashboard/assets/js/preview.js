/**
 * What a restore or an undo would change, and the confirmation of it.
 * @module
 */

import { h } from './dom.js';
import { count, many, moment, signed } from './format.js';
import { progressBar } from './hero.js';
import { isDamaged } from './light.js';
import { outcomeOf, progressOf } from './outcome.js';
import { button, failure, time } from './widgets.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('./restore.js').Flow} Flow
 * @typedef {import('../../types').TableChange} TableChange
 */

/**
 * @param {Page} page
 * @param {Flow} flow
 * @param {number} now
 */
export function preview(page, flow, now) {
  const o = flow.preview;
  if (!o || o.state === 'running') {
    const { share, text } = o ? progressOf(o) : { share: undefined, text: 'comparing' };
    return h(
      'div',
      { key: 'preview', class: 'dialog-body' },
      h('p', null, `Comparing the backup with the live database: ${text} …`),
      progressBar('Comparing', share),
    );
  }
  if (!o.restore) {
    return h(
      'div',
      { key: 'preview', class: 'dialog-body' },
      o.failure ? failure(o.failure) : h('p', null, outcomeOf(o).text),
      h('div', { class: 'dialog-foot' }, flow.undo ? null : button('Choose another', () => page.back(), { icon: 'left' })),
    );
  }
  return h(
    'form',
    {
      key: 'preview',
      class: 'dialog-body',
      onsubmit: (/** @type {Event} */ e) => {
        e.preventDefault();
        page.confirm();
      },
    },
    changes(o.restore.tables ?? [], ['What would change', 'rows now', flow.undo ? 'after the undo' : 'after the restore']),
    kept(page, flow, now),
    confirmation(page, flow),
  );
}

/**
 * changes shows each table before and after; those that stay as they are are only counted.
 * @param {TableChange[]} tables
 * @param {[string, string, string]} words for the whole, and for before and after
 */
export function changes(tables, [title, before, after]) {
  const differing = tables.filter((t) => (t.rowsBefore ?? 0) !== (t.rowsAfter ?? 0) || (t.rowsBefore ?? 0) < 0);
  const same = tables.length - differing.length;
  const rest =
    same > 0 ? `${many(same, 'table')} with the same number of rows; rows that were changed come back as they were.` : '';
  if (differing.length === 0) return h('p', { class: 'lead' }, rest || 'There are no tables to compare.');
  return h(
    'div',
    { class: 'changes' },
    h(
      'table',
      null,
      h('caption', null, title),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          ['Table', before, after, 'change'].map((t, i) => h('th', { scope: 'col', class: i > 0 ? 'num' : '' }, t)),
        ),
      ),
      h(
        'tbody',
        null,
        differing.map((t) => change(t)),
      ),
    ),
    rest ? h('p', { class: 'muted' }, rest) : null,
  );
}

/** @param {TableChange} t */
function change({ name, rowsBefore = 0, rowsAfter = 0 }) {
  const unknown = rowsBefore < 0 || rowsAfter < 0;
  let words = unknown ? '' : signed(rowsAfter - rowsBefore);
  if (rowsBefore < 0) words = 'comes back';
  if (rowsAfter < 0) words = 'goes';
  const level = unknown ? (rowsAfter < 0 ? 'bad' : 'good') : rowsAfter < rowsBefore ? 'bad' : 'good';
  return h(
    'tr',
    { key: name },
    h('th', { scope: 'row' }, h('bdi', null, name)),
    h('td', { class: 'num' }, rowsBefore < 0 ? 'not readable or not there' : count(rowsBefore)),
    h('td', { class: 'num' }, rowsAfter < 0 ? 'not there' : count(rowsAfter)),
    h('td', { class: `num change ${level}` }, words),
  );
}

/**
 * @param {Page} page
 * @param {Flow} flow
 * @param {number} now
 */
function kept(page, flow, now) {
  const b = page.model.known?.backups?.backups?.find((one) => one.id === flow.id);
  const at = b?.takenAtUnixMs;
  return h(
    'ul',
    { class: 'kept' },
    flow.undo
      ? h('li', null, 'The database becomes what it was before the last restore.')
      : h(
          'li',
          null,
          'What was written since ',
          at ? h('strong', null, time(at, moment(at, now))) : 'then',
          ' will no longer be in the database.',
        ),
    h('li', null, 'The database as it is now is kept first; ', h('strong', null, 'Undo'), ' brings it back.'),
    h('li', null, 'Your application may stay connected. It waits while the pages are exchanged.'),
  );
}

/**
 * A damaged database needs no persuasion; a sound one is only overwritten by somebody who
 * wrote its name.
 * @param {Page} page
 * @param {Flow} flow
 */
function confirmation(page, flow) {
  const { name = '', status } = page.model.known ?? {};
  const damaged = isDamaged(status);
  const asks = !flow.undo && !damaged;
  const ready = !asks || (flow.typed ?? '').trim() === name;
  return h(
    'div',
    { class: 'dialog-foot' },
    flow.undo ? null : button('Choose another', () => page.back(), { icon: 'left' }),
    asks
      ? h(
          'label',
          { class: 'typed' },
          h('span', null, 'This database is sound. To overwrite it, write its name: ', h('strong', null, h('bdi', null, name))),
          h('input', {
            type: 'text',
            id: 'typed',
            autocomplete: 'off',
            autocapitalize: 'off',
            spellcheck: 'false',
            value: flow.typed ?? '',
            oninput: (/** @type {Event} */ e) => page.type(/** @type {HTMLInputElement} */ (e.target).value),
          }),
        )
      : h('span', { class: 'grow' }),
    h(
      'button',
      {
        type: 'submit',
        class: 'button danger',
        id: 'confirm',
        'aria-disabled': ready ? undefined : 'true',
        onclick: (/** @type {Event} */ e) => {
          if (!ready) e.preventDefault();
        },
      },
      flow.undo ? 'Take it back' : 'Restore now',
    ),
  );
}
