/**
 * The way back: choose a point, see what would change in each table, confirm, watch, and
 * be able to take it back.
 * @module
 */

import { h } from './dom.js';
import { ago, exact, moment, size, took } from './format.js';
import { progressBar } from './hero.js';
import { outcomeOf, progressOf } from './outcome.js';
import { changes, preview } from './preview.js';
import { badge, button, failure, levelMark, time } from './widgets.js';
import { rowsOf, rowsText, standing } from './words.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('../../types').Backup} Backup
 * @typedef {import('../../types').Operation} Operation
 *
 * @typedef {object} Flow what the dialog is about
 * @property {'choose' | 'preview' | 'running' | 'done'} step
 * @property {boolean} undo taking a restore back instead
 * @property {string} [id] of the chosen backup
 * @property {Operation} [preview]
 * @property {string} [operation] id of the one that runs, or ended
 * @property {string} [typed]
 */

const STEPS = /** @type {const} */ ([
  ['choose', 'Choose'],
  ['preview', 'Look'],
  ['running', 'Restore'],
  ['done', 'Done'],
]);

/**
 * dialog is the whole of it; null when it is not open.
 * @param {Page} page
 * @param {number} now
 */
export function dialog(page, now) {
  /** @type {Flow | undefined} */
  const flow = page.model.ui.restore;
  if (!flow || !page.model.known) return null;
  return h(
    'dialog',
    {
      key: 'restore',
      class: 'dialog',
      'aria-labelledby': 'dialog-title',
      ref: (/** @type {HTMLDialogElement} */ d) => queueMicrotask(() => d.showModal()),
      onclose: () => page.closeDialog(),
    },
    h(
      'header',
      { class: 'dialog-head' },
      h('h2', { id: 'dialog-title', tabindex: '-1' }, flow.undo ? 'Take the restore back' : 'Restore'),
      button('Close', () => page.closeDialog(), { kind: 'ghost small', id: 'dialog-close' }),
    ),
    flow.undo
      ? null
      : h(
          'ol',
          { class: 'steps' },
          STEPS.map(([step, words]) =>
            h(
              'li',
              {
                key: step,
                'aria-current': flow.step === step ? 'step' : undefined,
              },
              words,
            ),
          ),
        ),
    body(page, flow, now),
  );
}

/**
 * @param {Page} page
 * @param {Flow} flow
 * @param {number} now
 */
function body(page, flow, now) {
  switch (flow.step) {
    case 'choose':
      return choose(page, flow, now);
    case 'preview':
      return preview(page, flow, now);
    case 'running':
      return running(page, flow);
    case 'done':
      return done(page, flow, now);
  }
}

/**
 * @param {Page} page
 * @param {Flow} flow
 * @param {number} now
 */
function choose(page, flow, now) {
  const list = (page.model.known?.backups?.backups ?? []).filter((b) => standing(b).level !== 'bad');
  if (list.length === 0) {
    return h(
      'div',
      { key: 'choose', class: 'dialog-body' },
      h('p', null, 'There is no backup that could be restored.'),
      h(
        'div',
        { class: 'dialog-foot' },
        button(
          'Back up now',
          () => {
            page.closeDialog();
            page.backUp();
          },
          { kind: 'primary' },
        ),
      ),
    );
  }
  const chosen = flow.id ?? list.find((b) => b.verified && standing(b).level === 'good')?.id ?? list[0].id;
  return h(
    'form',
    {
      key: 'choose',
      class: 'dialog-body',
      onsubmit: (/** @type {Event} */ e) => {
        e.preventDefault();
        page.preview(chosen);
      },
    },
    h(
      'fieldset',
      { class: 'choices' },
      h('legend', null, 'To which point should the database go back?'),
      list.map((b) => choice(page, b, b.id === chosen, now)),
    ),
    h(
      'div',
      { class: 'dialog-foot' },
      h('p', { class: 'muted' }, 'Next you see what would change. Nothing is written yet.'),
      h('button', { type: 'submit', class: 'button primary', id: 'see' }, 'See what would change'),
    ),
  );
}

/**
 * @param {Page} page
 * @param {Backup} b
 * @param {boolean} chosen
 * @param {number} now
 */
function choice(page, b, chosen, now) {
  const { level, word } = standing(b);
  return h(
    'label',
    { key: b.id, class: 'choice' },
    h('input', {
      type: 'radio',
      name: 'point',
      value: b.id,
      checked: chosen,
      autofocus: chosen,
      onchange: () => page.choose(b.id),
    }),
    h(
      'span',
      { class: 'choice-words' },
      h(
        'span',
        null,
        h('strong', null, ago(b.takenAtUnixMs, now)),
        ' ',
        h('span', { class: 'muted' }, time(b.takenAtUnixMs, moment(b.takenAtUnixMs ?? 0, now))),
      ),
      h(
        'span',
        { class: 'muted small-text' },
        [size(b.sizeBytes), rowsText(rowsOf(b)), b.keepReason ?? b.tier].filter(Boolean).join(' · '),
      ),
    ),
    level === 'good' ? null : badge(word, level),
    levelMark(level, word),
  );
}

/**
 * @param {Page} page
 * @param {Flow} flow
 */
function running(page, flow) {
  const o = page.model.known?.operations.get(flow.operation ?? '');
  const { share, text } = o ? progressOf(o) : { share: undefined, text: 'starting' };
  return h(
    'div',
    { key: 'running', class: 'dialog-body' },
    h('p', { class: 'lead' }, `${flow.undo ? 'Taking it back' : 'Restoring'}: ${text} …`),
    progressBar(flow.undo ? 'Undo' : 'Restore', share),
    h(
      'p',
      { class: 'muted' },
      'It goes on when you close this. Killed at any moment, the database is the old one or the restored one, never a mixture.',
    ),
    h('div', { class: 'dialog-foot' }, o && !o.id.startsWith('new-') ? button('Cancel', () => page.work.cancel(o.id)) : null),
  );
}

/**
 * @param {Page} page
 * @param {Flow} flow
 * @param {number} now
 */
function done(page, flow, now) {
  const o = page.model.known?.operations.get(flow.operation ?? '');
  if (!o) return h('div', { key: 'done', class: 'dialog-body' }, h('p', null, 'The outcome is not known; look at the events.'));
  const outcome = outcomeOf(o);
  const report = o.restore;
  if (!report) {
    return h(
      'div',
      { key: 'done', class: 'dialog-body' },
      o.failure && o.state !== 'cancelled' ? failure(o.failure) : h('p', { class: 'lead' }, outcome.text),
      h(
        'div',
        { class: 'dialog-foot' },
        button('Close', () => page.closeDialog(), { kind: 'primary', id: 'finish' }),
      ),
    );
  }
  const b = page.model.known?.backups?.backups?.find((one) => one.id === report.restoredFrom);
  return h(
    'div',
    { key: 'done', class: 'dialog-body' },
    h(
      'div',
      { class: 'result good' },
      levelMark('good'),
      h(
        'div',
        null,
        h('p', { class: 'lead' }, flow.undo ? 'The restore was taken back.' : 'Restored and verified.'),
        h(
          'p',
          { class: 'muted' },
          flow.undo
            ? `In ${took(report.durationMs)}.`
            : `From the backup of ${b ? `${moment(b.takenAtUnixMs ?? 0, now)} (${exact(b.takenAtUnixMs ?? 0)})` : report.restoredFrom}, in ${took(report.durationMs)}.`,
        ),
      ),
    ),
    changes(report.tables ?? [], ['What changed', 'rows before', 'rows now']),
    report.keptDir
      ? h('p', { class: 'muted small-text' }, 'What was replaced lies in ', h('code', { class: 'path' }, report.keptDir))
      : null,
    h(
      'div',
      { class: 'dialog-foot' },
      report.undoId && !flow.undo ? button('Undo…', () => page.undo(), { icon: 'undo' }) : null,
      button('Close', () => page.closeDialog(), { kind: 'primary', id: 'finish' }),
    ),
  );
}
