/**
 * The page: turns what is known into what is shown, and what a person does into orders.
 * @module
 */

import { announce } from './announce.js';
import { serverNow } from './api.js';
import { conditions } from './conditions.js';
import { h, patch } from './dom.js';
import { many } from './format.js';
import { feed } from './feed.js';
import { hero, several } from './hero.js';
import { history } from './history.js';
import { favicon } from './icons.js';
import { judge } from './light.js';
import { Line } from './live.js';
import { Model } from './model.js';
import { overview } from './overview.js';
import { points } from './points.js';
import { dialog } from './restore.js';
import { footer, header, login } from './shell.js';
import { systems } from './systems.js';
import { Work } from './work.js';

/** @typedef {import('./restore.js').Flow} Flow */

const TICK_MS = 5000; // ages on the page grow

export class Page {
  constructor() {
    this.model = new Model();
    this.work = new Work(this.model);
    this.line = new Line(this.model);
    this.drawing = 0;
    this.said = ''; // the sentence that was last announced
    this.step = '';
    this.model.addEventListener('changed', () => this.draw());
    this.model.addEventListener('arrived', () => this.route());
    window.addEventListener('hashchange', () => this.route());
    window.setInterval(() => {
      if (!document.hidden) this.draw();
    }, TICK_MS);
  }

  /** start asks which databases there are; what follows comes from the answer. */
  start() {
    this.drawNow();
    void this.model.ask('databases');
  }

  /** route shows what the address names: a database, or all. */
  route() {
    const { model } = this;
    const asked = decode(location.hash.replace(/^#\/?/, '')) || new URLSearchParams(location.search).get('database') || '';
    const names = (model.databases?.databases ?? []).map((d) => d.name);
    const before = model.known?.name;
    const all = location.hash === '#/' && several(model);
    const only = !several(model) && names.length === 1 ? names[0] : undefined;
    model.show(
      all ? undefined : names.includes(asked) ? asked : (only ?? (model.databases ? undefined : asked || model.known?.name)),
    );
    if (model.known?.name === before) return;
    model.ui = {};
    window.scrollTo(0, 0);
    if (this.line.source) this.line.open();
  }

  /** draw draws soon, once for all that changed. */
  draw() {
    if (this.drawing) return;
    const then = () => {
      this.drawing = 0;
      this.drawNow();
    };
    // A hidden page gets no frames, but its title tells the state.
    this.drawing = document.hidden ? window.setTimeout(then, 200) : window.requestAnimationFrame(then);
  }

  drawNow() {
    const now = serverNow();
    const root = document.getElementById('page');
    if (!root) return;
    if (!this.model.known && this.model.databases && !several(this.model)) this.route(); // the only one is known now
    patch(
      root,
      header(this, now),
      h('main', { key: 'main', id: 'main', tabindex: '-1' }, this.main(now)),
      footer(this, now),
      dialog(this, now),
    );
    this.tell();
    this.focusStep();
  }

  /** @param {number} now */
  main(now) {
    const { model } = this;
    if (model.connection === 'login') return login(this);
    if (!model.known && (several(model) || !model.databases?.databases?.length)) return overview(this, now);
    return [
      hero(this, now),
      h(
        'div',
        {
          key: 'body',
          class: model.connection === 'silent' ? 'body stale' : 'body',
        },
        conditions(this, now),
        systems(this, now),
        points(this, now),
        history(this, now),
        feed(this, now),
      ),
    ];
  }

  /** tell has title, tab picture and screen reader say the state. */
  tell() {
    const { level, word, headline } = judge(this.model);
    const { known, databases } = this.model;
    document.title = `${word} · ${known?.name ?? many(databases?.databases?.length ?? 0, 'database')} · Officer`;
    const link = document.querySelector('link[rel=icon]');
    const picture = favicon(level);
    if (link && link.getAttribute('href') !== picture) link.setAttribute('href', picture);
    if (this.said && this.said !== headline) announce(`${word}: ${headline}`);
    this.said = headline;
  }

  /** The focus follows the dialog: what had it is gone at the next step. */
  focusStep() {
    /** @type {Flow | undefined} */
    const flow = this.model.ui.restore;
    const step = flow ? `${flow.step}${flow.undo}${flow.preview?.restore ? 'seen' : ''}` : '';
    if (step === this.step) return;
    const first = this.step === '';
    this.step = step;
    if (!flow || first) return;
    const target = ['typed', 'finish', 'dialog-title'].map((id) => document.getElementById(id)).find((element) => element);
    target?.focus();
  }

  /** @param {boolean} [force] */
  backUp(force = false) {
    void this.work.start('BackUp', 'backup', { force });
  }

  /** @param {string} [kind] */
  check(kind = 'CHECK_KIND_FULL') {
    void this.work.start('Check', 'check', { kind });
  }

  /** @param {string} [id] */
  verify(id) {
    void this.work.start('Verify', 'verify', id ? { id } : { all: true });
  }

  /** @param {string} [id] */
  drill(id = '') {
    void this.work.start('Drill', 'drill', { id });
  }

  checkpoint() {
    void this.work.start('Checkpoint', 'checkpoint');
  }

  vacuum() {
    void this.work.start('Vacuum', 'vacuum');
  }

  analyze() {
    void this.work.start('Analyze', 'analyze');
  }

  /**
   * @param {string} id
   * @param {boolean} on
   */
  pin(id, on) {
    void this.work.order(on ? 'Pin' : 'Unpin', { id }, on ? 'Pinned' : 'Unpinned');
  }

  /** @param {string} [id] */
  restore(id) {
    this.opener = document.activeElement;
    this.flow({ step: 'choose', undo: false, id });
    if (id) void this.preview(id);
  }

  undo() {
    if (!this.model.ui.restore) this.opener = document.activeElement;
    this.flow({ step: 'preview', undo: true });
    void this.look('Undo', {});
  }

  /** @param {string} id */
  choose(id) {
    this.flow({ .../** @type {Flow} */ (this.model.ui.restore), id });
  }

  /** @param {string} id */
  async preview(id) {
    this.flow({ step: 'preview', undo: false, id });
    await this.look('Restore', { id });
  }

  /**
   * look asks what a restore or an undo would change.
   * @param {string} method
   * @param {object} request
   */
  async look(method, request) {
    const flow = /** @type {Flow} */ (this.model.ui.restore);
    const preview = await this.work.start(method, 'preview', { ...request, dryRun: true }, { apart: true });
    // The person may have gone back, or closed it, meanwhile.
    if (this.model.ui.restore === flow) this.flow({ ...flow, preview });
  }

  /** confirm does what the preview showed. */
  async confirm() {
    const flow = /** @type {Flow} */ (this.model.ui.restore);
    const request = flow.undo ? { confirmed: true } : { id: flow.id, confirmed: true };
    const known = this.model.known;
    const before = new Set(known?.operations.keys());
    this.flow({ ...flow, step: 'running', preview: undefined });
    const follow = () => {
      const id = [...(known?.operations.keys() ?? [])].find((one) => !before.has(one));
      const open = /** @type {Flow | undefined} */ (this.model.ui.restore);
      if (open?.step === 'running' && id && open.operation !== id) this.flow({ ...open, operation: id });
    };
    this.model.addEventListener('changed', follow);
    const done = await this.work.start(flow.undo ? 'Undo' : 'Restore', flow.undo ? 'undo' : 'restore', request);
    this.model.removeEventListener('changed', follow);
    const open = /** @type {Flow | undefined} */ (this.model.ui.restore);
    if (open?.step !== 'running') return;
    this.work.dismiss(done.id); // its outcome is in the dialog
    this.flow({ ...open, step: 'done', operation: done.id });
  }

  back() {
    this.flow({ ...this.model.ui.restore, step: 'choose', preview: undefined, typed: '' });
  }

  /** @param {string} typed */
  type(typed) {
    this.flow({ ...this.model.ui.restore, typed });
  }

  closeDialog() {
    if (!this.model.ui.restore) return;
    this.flow(undefined);
    document.querySelector('dialog')?.close(); // while it is open nothing else takes the focus
    // Not every browser gives the focus to a button that is clicked.
    if (this.opener instanceof HTMLElement && this.opener.isConnected && this.opener !== document.body) this.opener.focus();
    else document.getElementById('restore')?.focus();
  }

  /** @param {Flow | undefined} flow */
  flow(flow) {
    this.model.ui.restore = flow;
    this.model.changed();
  }

  /** @param {string | undefined} id */
  open(id) {
    this.set({ open: id });
  }

  /** @param {number} range */
  range(range) {
    this.set({ range });
  }

  /** @param {string} search */
  search(search) {
    this.set({ search });
  }

  /** @param {import('./feed.js').Filter} change */
  filter(change) {
    this.set({ feed: { ...this.model.ui.feed, ...change } });
  }

  /** @param {'events' | 'log'} tab */
  showFeed(tab) {
    this.filter({ tab });
    this.scrollTo('feed');
  }

  /** @param {string} id */
  scrollTo(id) {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    document.getElementById(id)?.scrollIntoView({ behavior: still ? 'auto' : 'smooth' });
  }

  /** @param {Record<string, any>} change */
  set(change) {
    Object.assign(this.model.ui, change);
    this.model.changed();
  }
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return ''; // an address that somebody cut
  }
}

new Page().start();
