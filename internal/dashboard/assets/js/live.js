/**
 * The line to Officer: events as they happen, a look each minute whatever happens, and
 * when nobody answers, probes until somebody does.
 * @module
 */

import { parse, url } from './api.js';
import { EVERYTHING } from './model.js';

/** @typedef {import('./model.js').Model} Model */

const POLL_MS = 60_000;
const PROBE_MS = [1000, 1000, 2000, 4000, 8000, 10_000];
// A page that nobody sees gives its connection back: a browser has six for each server.
const HIDDEN_MS = 60_000;

export class Line {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {EventSource | undefined} */
    this.source = undefined;
    this.probes = 0;
    this.timer = 0; // of the next probe, or of the next try for the stream
    this.hiding = 0;
    model.addEventListener('silent', () => this.probeLater());
    model.addEventListener('back', () => this.back());
    model.addEventListener('login', () => this.close());
    document.addEventListener('visibilitychange', () => this.seen());
    window.addEventListener('focus', () => {
      if (model.connection === 'login') this.look();
    });
    window.addEventListener('online', () => this.look());
    window.setInterval(() => {
      if (!document.hidden && model.connection !== 'login') this.look();
    }, POLL_MS);
  }

  /** open listens to the database that is shown, or to all, and looks at everything. */
  open() {
    this.close();
    const name = this.model.known?.name;
    const source = new EventSource(url(`v1/events?database=${encodeURIComponent(name ?? '*')}`));
    this.source = source;
    source.onopen = () => {
      if (this.model.connection === 'login') return;
      this.model.connection = 'live';
      this.probes = 0;
      this.look(); // what happened before the stream stood
    };
    source.onmessage = (message) => this.model.hear(parse(message.data) ?? {});
    // What happened while the line was broken is not held any more.
    source.addEventListener('reset', () => this.look());
    source.onerror = () => this.lost(source);
    this.look();
  }

  /** close ends the stream. */
  close() {
    this.source?.close();
    this.source = undefined;
    window.clearTimeout(this.timer);
  }

  /** look asks for everything. */
  look() {
    if (this.model.connection === 'login') {
      this.model.connection = 'connecting';
      this.model.changed();
      this.open();
      return;
    }
    this.model.want('databases', ...EVERYTHING);
  }

  /**
   * lost finds out why the stream ended: a call tells more than the stream can.
   * @param {EventSource} source
   */
  lost(source) {
    if (source !== this.source) return;
    if (this.model.connection === 'live') this.model.connection = 'polling';
    void this.model.ask('databases');
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    this.source = undefined;
    this.later(() => this.open());
  }

  /** back goes on after a silence. */
  back() {
    this.probes = 0;
    if (!this.source || this.source.readyState === EventSource.CLOSED) this.open();
    else this.look();
  }

  probeLater() {
    this.later(() => {
      if (this.model.connection !== 'silent') return;
      void this.model.ask('databases').then(() => {
        if (this.model.connection === 'silent') this.probeLater();
      });
    });
  }

  /** @param {() => void} then */
  later(then) {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(then, PROBE_MS[Math.min(this.probes++, PROBE_MS.length - 1)]);
  }

  /** seen opens or closes as the page is looked at or not. */
  seen() {
    window.clearTimeout(this.hiding);
    if (document.hidden) this.hiding = window.setTimeout(() => this.close(), HIDDEN_MS);
    else if (this.model.connection === 'login') this.look();
    else if (!this.source) this.open();
  }
}
