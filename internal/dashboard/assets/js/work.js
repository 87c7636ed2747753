/**
 * Orders to Officer: long work becomes an operation that is followed until it ended,
 * also when somebody else ordered it.
 * @module
 */

import { Trouble, call, newKey, serverNow } from './api.js';
import { announce } from './announce.js';
import { outcomeOf, titleOf } from './outcome.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./model.js').Known} Known
 * @typedef {import('../../types').Operation} Operation
 */

const STEP_MS = 400; // between two looks at an operation that runs
const GOOD_NEWS_MS = 120_000; // how long what went well stays beside the light

export class Work {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Set<string>} */
    this.followed = new Set();
    /** Those a person saw running on this page; their outcome is shown. @type {Set<string>} */
    this.seen = new Set();
    /** When this page saw them end. @type {Map<string, number>} */
    this.endings = new Map();
    /** Those that need no line: dismissed, or shown where they were asked for. @type {Set<string>} */
    this.dismissed = new Set();
    model.addEventListener('changed', () => this.adopt());
  }

  /**
   * start orders long work. It resolves with the operation when that has ended.
   * @param {string} method
   * @param {string} kind
   * @param {object} [request]
   * @param {{apart?: boolean}} [options] apart: its progress and outcome are shown elsewhere
   * @returns {Promise<Operation>}
   */
  async start(method, kind, request = {}, { apart = false } = {}) {
    const known = this.model.known;
    if (!known) throw new Error('no database is shown');
    const key = newKey();
    /** @type {Operation} */
    const begun = { id: `new-${key}`, kind, database: known.name, state: 'running', startedAtUnixMs: serverNow() };
    if (apart) this.dismissed.add(begun.id);
    this.put(known, begun);
    announce(`${titleOf(begun)} started`);
    try {
      const operation = await call(method, { ...request, database: known.name, idempotencyKey: key });
      known.operations.delete(begun.id);
      if (apart) this.dismissed.add(operation.id);
      this.model.heard();
      return await this.follow(known, operation);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      const failed = { ...begun, state: 'failed', endedAtUnixMs: serverNow(), failure: { ...error.failure } };
      if (error.kind === 'silent') failed.failure.text = 'Officer did not answer; whether it took the order is not known.';
      this.put(known, failed);
      this.model.failed(error);
      return failed;
    }
  }

  /**
   * follow looks at an operation until it has ended.
   * @param {Known} known
   * @param {Operation} operation
   */
  async follow(known, operation) {
    this.followed.add(operation.id);
    try {
      this.put(known, operation);
      while (operation.state === 'running' && this.model.known === known) {
        operation = await call('GetOperation', { id: operation.id, waitMs: String(STEP_MS) });
        this.put(known, operation);
      }
      if (operation.state !== 'running') {
        announce(outcomeOf(operation).text);
        this.model.want('status', 'backups', 'schedules', 'metrics', 'history', 'events', 'logs');
      }
    } catch (error) {
      this.model.failed(error);
      if (error instanceof Trouble && error.kind === 'refused') {
        operation = { ...operation, state: 'failed', failure: error.failure };
        this.put(known, operation);
      }
    } finally {
      this.followed.delete(operation.id);
    }
    return operation;
  }

  /**
   * @param {Known} known
   * @param {Operation} operation
   */
  put(known, operation) {
    known.operations.set(operation.id, operation);
    this.seen.add(operation.id);
    if (operation.state !== 'running' && !this.endings.has(operation.id)) this.endings.set(operation.id, Date.now());
    this.model.changed();
  }

  /** adopt follows what runs and nobody follows yet: ordered elsewhere, or before a silence. */
  adopt() {
    const { known, connection } = this.model;
    if (!known || connection === 'silent' || connection === 'login') return;
    for (const operation of known.operations.values()) {
      if (operation.state !== 'running' || operation.id.startsWith('new-') || this.followed.has(operation.id)) continue;
      void this.follow(known, operation);
    }
  }

  /**
   * shown gives what is worth a line: what runs, and what ended before the person's eyes
   * until it is dismissed, the same is done again, or good news is old; the events keep it.
   * @returns {Operation[]}
   */
  shown() {
    const all = [...(this.model.known?.operations.values() ?? [])]
      .filter((o) => !this.dismissed.has(o.id))
      .sort((a, b) => (b.startedAtUnixMs ?? 0) - (a.startedAtUnixMs ?? 0));
    /** @type {Set<string | undefined>} */
    const kinds = new Set();
    return all.filter((operation) => {
      if (operation.state === 'running') return true;
      const newest = !kinds.has(operation.kind);
      kinds.add(operation.kind);
      return newest && this.seen.has(operation.id) && !this.isStale(operation);
    });
  }

  /** @param {Operation} operation */
  isStale(operation) {
    const good = outcomeOf(operation).level === 'good';
    return good && Date.now() - (this.endings.get(operation.id) ?? 0) > GOOD_NEWS_MS;
  }

  /** @param {string} id */
  dismiss(id) {
    this.dismissed.add(id);
    this.model.changed();
  }

  /**
   * cancel ends an operation; what it began is cleaned up.
   * @param {string} id
   */
  async cancel(id) {
    this.model.ui.cancelling = id;
    this.model.changed();
    try {
      const operation = await call('CancelOperation', { id }, { timeoutMs: 60_000 });
      const known = this.model.known;
      if (known && operation?.id) this.put(known, operation);
    } catch (error) {
      this.model.failed(error);
    }
    this.model.ui.cancelling = undefined;
    this.model.changed();
  }

  /**
   * order has something done at once.
   * @param {string} method
   * @param {object} request
   * @param {string} done what is announced
   */
  async order(method, request, done) {
    const known = this.model.known;
    if (!known) return;
    try {
      await call(method, { ...request, database: known.name });
      announce(done);
      this.model.heard();
    } catch (error) {
      if (error instanceof Trouble && error.kind === 'refused') {
        this.put(known, {
          id: `new-${newKey()}`,
          kind: method,
          state: 'failed',
          failure: error.failure,
          startedAtUnixMs: serverNow(),
          endedAtUnixMs: serverNow(),
        });
      }
      this.model.failed(error);
    }
    this.model.want('backups', 'status', 'events');
  }
}
