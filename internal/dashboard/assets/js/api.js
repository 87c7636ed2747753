/**
 * Calls of officer.v1.ControlService in Connect's JSON form: a POST whose answer is the
 * message, or an error that carries a Failure.
 * @module
 */

import { isNumber } from './numbers.js';

/** @typedef {import('../../types').Failure} Failure */

// A part that hangs makes a status wait two seconds; longer means that Officer itself does.
const CALL_MS = 10_000;

const CLOCKS_MS = 3000; // clocks that differ by less are the same: the header counts seconds
let ahead = 0; // Officer's clock of this machine's

/** serverNow is the time on Officer's clock: ages are told by one clock only. */
export function serverNow() {
  return Date.now() + ahead;
}

/** @param {Response} response */
function compareClocks(response) {
  const theirs = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(theirs)) return;
  const difference = theirs - Date.now();
  ahead = Math.abs(difference) < CLOCKS_MS ? 0 : difference;
}

/**
 * Trouble is why a call has no answer.
 */
export class Trouble extends Error {
  /**
   * @param {'silent' | 'login' | 'refused'} kind silent: nobody answers; login: the session
   *   is over; refused: Officer answered with a failure
   * @param {Failure} failure
   */
  constructor(kind, failure) {
    super(failure.text);
    this.kind = kind;
    this.failure = failure;
  }
}

/**
 * call asks Officer once.
 * @param {string} method
 * @param {object} [request]
 * @param {{timeoutMs?: number}} [options]
 * @returns {Promise<any>}
 */
export async function call(method, request = {}, { timeoutMs = CALL_MS } = {}) {
  const leaving = new AbortController();
  const timer = setTimeout(() => leaving.abort(), timeoutMs);
  let response;
  let text = '';
  try {
    response = await fetch(url(`officer.v1.ControlService/${method}`), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: leaving.signal,
    });
    text = await response.text();
  } catch {
    throw new Trouble('silent', { code: 'no_officer', text: 'Officer does not answer.' });
  } finally {
    clearTimeout(timer);
  }
  compareClocks(response);
  if (response.ok) {
    const answer = parse(text);
    if (answer !== undefined) return answer;
    throw new Trouble('silent', { code: 'no_officer', text: 'Something else than Officer answers here.' });
  }
  throw trouble(response.status, parse(text));
}

/**
 * url gives an address of the API; the page may stand below any prefix.
 * @param {string} path
 */
export function url(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * downloadUrl gives the address of a stored backup's file.
 * @param {string} database
 * @param {string} id
 */
export function downloadUrl(database, id) {
  return url(`v1/backups/${encodeURIComponent(id)}/download?database=${encodeURIComponent(database)}`);
}

/**
 * newKey names one order, so that sending it twice does it once. (crypto.randomUUID is
 * missing where a page was not loaded over TLS or from this machine.)
 */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {number} status
 * @param {any} body
 * @returns {Trouble}
 */
function trouble(status, body) {
  if (status === 401) return new Trouble('login', { code: 'unauthenticated', text: 'The session is over.' });
  const carried = failureOf(body);
  // A proxy in front of Officer says so when nobody stands behind it.
  if (!carried && [502, 503, 504].includes(status)) {
    return new Trouble('silent', { code: 'no_officer', text: 'Officer does not answer.' });
  }
  const text = typeof body?.message === 'string' && body.message ? body.message : `Officer refused (HTTP ${status}).`;
  return new Trouble('refused', carried ?? { code: body?.code ?? 'unknown', text });
}

/**
 * failureOf finds the Failure among the details of a Connect error.
 * @param {any} body
 * @returns {Failure | undefined}
 */
function failureOf(body) {
  const details = Array.isArray(body?.details) ? body.details : [];
  const detail = details.find((/** @type {any} */ d) => d?.type === 'officer.v1.Failure');
  return detail?.debug ? numbered(detail.debug) : undefined;
}

/** @param {string} text */
export function parse(text) {
  try {
    return numbered(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * numbered makes numbers of the 64-bit fields, which JSON carries as strings. What Officer
 * counts (bytes, rows, milliseconds) stays exact below 2^53.
 * @param {any} value
 * @returns {any}
 */
function numbered(value) {
  if (Array.isArray(value)) return value.map(numbered);
  if (value === null || typeof value !== 'object') return value;
  for (const [name, inner] of Object.entries(value)) {
    value[name] = typeof inner === 'string' && isNumber(name) ? Number(inner) : numbered(inner);
  }
  return value;
}
