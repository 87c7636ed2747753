/**
 * What the page knows, and how it learns it: a part is asked for when something happened
 * that may have changed it, and every part once a minute whatever happened.
 * @module
 */

import { Trouble, call, serverNow } from './api.js';

/**
 * @typedef {import('../../types').Status} Status
 * @typedef {import('../../types').Failure} Failure
 * @typedef {import('../../types').OfficerEvent} OfficerEvent
 * @typedef {import('../../types').LogRecord} LogRecord
 * @typedef {import('../../types').Operation} Operation
 * @typedef {'databases' | 'status' | 'backups' | 'schedules' | 'metrics' | 'history' | 'events' | 'logs' | 'operations'} Part
 * @typedef {'connecting' | 'live' | 'polling' | 'silent' | 'login'} Connection
 *
 * @typedef {object} Known what is known of one database
 * @property {string} name
 * @property {Status} [status]
 * @property {import('../../types').BackupList} [backups]
 * @property {import('../../types').ScheduleState[]} [schedules]
 * @property {import('../../types').OperationMetrics[]} [metrics]
 * @property {import('../../types').Series[]} [history]
 * @property {OfficerEvent[]} events newest last
 * @property {LogRecord[]} logs newest last
 * @property {Map<string, Operation>} operations by id
 * @property {Partial<Record<Part, Failure>>} refused why a part is not known
 */

const KEPT = 500; // events and records on the page; older ones are in the log files
const FEED = 200; // at first
const SETTLE_MS = 120; // a burst of events is one question

/** @type {Part[]} */
export const EVERYTHING = ['status', 'backups', 'schedules', 'metrics', 'history', 'events', 'logs', 'operations'];

/** @type {Record<Part, {method: string, ask: (k: Known) => object, take: (m: Model, k: Known, answer: any) => void}>} */
const PARTS = {
  databases: {
    method: 'ListDatabases',
    ask: () => ({}),
    take: (m, _, a) => {
      const first = m.databases === undefined;
      m.databases = a;
      if (first) m.dispatchEvent(new Event('arrived'));
    },
  },
  status: {
    method: 'GetStatus',
    ask: of,
    take: (_, k, a) => {
      k.status = a;
    },
  },
  backups: {
    method: 'ListBackups',
    ask: of,
    take: (_, k, a) => {
      k.backups = a;
    },
  },
  schedules: {
    method: 'GetSchedule',
    ask: of,
    take: (_, k, a) => {
      k.schedules = a.schedules ?? [];
    },
  },
  metrics: {
    method: 'GetMetrics',
    ask: of,
    take: (_, k, a) => {
      k.metrics = a.operations ?? [];
    },
  },
  history: {
    method: 'GetHistory',
    ask: of,
    take: (_, k, a) => {
      k.history = a.series ?? [];
    },
  },
  events: {
    method: 'ListEvents',
    ask: (k) => ({ ...of(k), limit: FEED, after: String(k.events.at(-1)?.sequence ?? 0) }),
    take: (_, k, a) => {
      k.events = joined(k.events, a.events ?? []);
    },
  },
  logs: {
    method: 'GetLogs',
    ask: (k) => ({ ...of(k), limit: FEED, after: String(k.logs.at(-1)?.sequence ?? 0) }),
    take: (_, k, a) => {
      k.logs = joined(k.logs, a.records ?? []);
    },
  },
  operations: {
    method: 'ListOperations',
    ask: of,
    take: (_, k, a) => {
      for (const o of a.operations ?? []) if (!k.operations.has(o.id)) k.operations.set(o.id, o);
    },
  },
};

/**
 * nothing is what is known before anything was asked.
 * @param {string} name
 * @returns {Known}
 */
function nothing(name) {
  return { name, events: [], logs: [], operations: new Map(), refused: {} };
}

/** @param {Known} k */
function of(k) {
  return { database: k.name };
}

/**
 * joined adds what is new; numbers that begin again mean that Officer did.
 * @template {{sequence?: number}} T
 * @param {T[]} known
 * @param {T[]} news
 * @returns {T[]}
 */
function joined(known, news) {
  const newest = known.at(-1)?.sequence ?? 0;
  return [...known, ...news.filter((one) => (one.sequence ?? 0) > newest)].slice(-KEPT);
}

export class Model extends EventTarget {
  constructor() {
    super();
    /** @type {Connection} */
    this.connection = 'connecting';
    this.heardAt = 0; // when Officer last answered
    /** @type {import('../../types').Databases | undefined} */
    this.databases = undefined;
    /** @type {Known | undefined} */
    this.known = undefined; // of the database that is shown; undefined = all of them
    /** What the person chose on the page. @type {Record<string, any>} */
    this.ui = {};
    /** @type {Set<Part>} */
    this.wanted = new Set();
    /** @type {Set<Part>} */
    this.asking = new Set();
    this.settling = 0;
  }

  /** changed has the page drawn again. */
  changed() {
    this.dispatchEvent(new Event('changed'));
  }

  /**
   * show turns to one database, or to all of them.
   * @param {string | undefined} name
   */
  show(name) {
    if (name === this.known?.name) return;
    this.known = name === undefined ? undefined : nothing(name);
    this.wanted.clear();
    this.asking.clear();
    this.changed();
  }

  /**
   * want asks for parts after a moment in which more may be wanted.
   * @param {...Part} parts
   */
  want(...parts) {
    for (const part of parts) if (this.known || part === 'databases') this.wanted.add(part);
    if (this.settling || this.connection === 'login') return;
    this.settling = window.setTimeout(() => {
      this.settling = 0;
      for (const part of this.wanted) void this.ask(part);
    }, SETTLE_MS);
  }

  /**
   * ask asks for one part now; while an answer is awaited it is asked again afterwards.
   * @param {Part} part
   */
  async ask(part) {
    const known = this.known ?? nothing('');
    if (this.asking.has(part)) return;
    this.asking.add(part);
    this.wanted.delete(part);
    try {
      const answer = await call(PARTS[part].method, PARTS[part].ask(known));
      if (this.elsewhere(known, part)) return;
      delete known.refused[part];
      PARTS[part].take(this, known, answer);
      this.heard();
    } catch (error) {
      if (this.elsewhere(known, part)) return;
      if (error instanceof Trouble && error.kind === 'refused') known.refused[part] = error.failure;
      this.failed(error);
    } finally {
      if (!this.elsewhere(known, part)) this.asking.delete(part);
      if (this.wanted.has(part)) this.want(part);
    }
    this.changed();
  }

  /**
   * elsewhere tells that the person turned to another database meanwhile.
   * @param {Known} known
   * @param {Part} part
   */
  elsewhere(known, part) {
    return part !== 'databases' && this.known !== known;
  }

  /** heard notes that Officer answered. */
  heard() {
    this.heardAt = serverNow();
    if (this.connection === 'live' || this.connection === 'polling') return;
    this.connection = 'polling'; // until the stream of events stands
    this.dispatchEvent(new Event('back'));
    this.changed();
  }

  /**
   * failed notes why a call had no answer.
   * @param {unknown} error
   */
  failed(error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.kind === 'refused') return this.heard();
    if (this.connection === error.kind) return;
    this.connection = error.kind;
    if (error.kind === 'login') this.forget();
    this.dispatchEvent(new Event(error.kind));
    this.changed();
  }

  /** forget removes what only somebody who is logged in may see. */
  forget() {
    const name = this.known?.name;
    this.known = undefined;
    this.databases = undefined;
    this.ui = {};
    if (name !== undefined) this.show(name);
  }

  /**
   * hear takes one event of the stream.
   * @param {{type?: string, sequence?: number, data?: any}} event
   */
  hear(event) {
    const type = event.type ?? '';
    const report = event.data?.report ?? event.data?.healthChanged?.report;
    if (type === 'health.changed' && report && this.known?.status) {
      // The colour comes with the event: it must not wait for the whole status.
      this.known.status = { ...this.known.status, health: report };
      this.changed();
    }
    this.want('databases', ...partsOf(type));
  }
}

/**
 * partsOf says what an event may have changed.
 * @param {string} type
 * @returns {Part[]}
 */
function partsOf(type) {
  /** @type {Part[]} */
  const always = ['status', 'events', 'logs', 'operations'];
  switch (type.split('.')[0]) {
    case 'backup':
    case 'drill':
    case 'restore':
    case 'recovery':
      return [...always, 'backups', 'schedules', 'metrics', 'history'];
    case 'integrity':
    case 'maintenance':
    case 'wal':
      return [...always, 'schedules', 'metrics', 'history'];
    default:
      return always;
  }
}
