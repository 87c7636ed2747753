/**
 * Numbers and times as people say them, the same as the command line does. Dates are
 * written in one way in every browser, because they stand beside English sentences.
 * @module
 */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * size writes bytes: "104 MB".
 * @param {number | undefined} bytes
 */
export function size(bytes = 0) {
  const sign = bytes < 0 ? '−' : '';
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return `${sign}${value} ${value === 1 ? 'byte' : 'bytes'}`;
  return `${sign}${value.toFixed(value < 9.95 ? 1 : 0)} ${UNITS[unit]}`;
}

/**
 * count writes a number with its thousands apart: "1,234,567".
 * @param {number | undefined} n
 */
export function count(n = 0) {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/**
 * many writes "1 table", "3 tables".
 * @param {number} n
 * @param {string} one
 * @param {string} [more] the plural when it is not one + "s"
 */
export function many(n, one, more = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : more}`;
}

/**
 * signed writes a change: "+12", "−340", "±0".
 * @param {number} n
 * @param {(n: number) => string} [write]
 */
export function signed(n, write = count) {
  if (n === 0) return '±0';
  return (n > 0 ? '+' : '−') + write(Math.abs(n));
}

/**
 * took writes how long work lasted: "0.6 s", "2 min 5 s".
 * @param {number | undefined} ms
 */
export function took(ms = 0) {
  if (ms <= 0) return 'less than 1 ms';
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/**
 * age writes a span in its largest fitting unit: "12 minutes", "3 days".
 * @param {number} ms
 */
export function age(ms) {
  if (ms < 2000) return 'a moment';
  if (ms < 2 * MINUTE) return many(Math.floor(ms / 1000), 'second');
  if (ms < 2 * HOUR) return many(Math.floor(ms / MINUTE), 'minute');
  if (ms < 2 * DAY) return many(Math.floor(ms / HOUR), 'hour');
  if (ms < 60 * DAY) return many(Math.floor(ms / DAY), 'day');
  if (ms < 730 * DAY) return many(Math.round(ms / (30.44 * DAY)), 'month');
  return many(Math.round(ms / (365.25 * DAY)), 'year');
}

/**
 * ago writes how long ago a moment was: "just now", "12 minutes ago".
 * @param {number | undefined} at milliseconds since 1970
 * @param {number} now
 */
export function ago(at, now) {
  if (!at) return 'never';
  // The clocks of two machines differ a little; a minute ahead is no news.
  if (at - now > MINUTE) return `in ${age(at - now)}`;
  return now - at < 5000 ? 'just now' : `${age(now - at)} ago`;
}

/**
 * ahead writes when something is due: "in 3 hours", "due now".
 * @param {number | undefined} at
 * @param {number} now
 */
export function ahead(at, now) {
  if (!at) return 'not planned';
  const span = at - now;
  if (span < 5000) return 'due now';
  // What is due in 3 h 59 min is due in 4 hours, though what is that old is 3 hours old.
  return `in ${age(span + (span < 2 * HOUR ? MINUTE / 2 : span < 2 * DAY ? HOUR / 2 : DAY / 2))}`;
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, '0');
}

/**
 * exact writes a moment in local time, to the second, with its zone: for titles.
 * @param {number} at
 */
export function exact(at) {
  const d = new Date(at);
  const zone = -d.getTimezoneOffset();
  const offset = `${zone < 0 ? '−' : '+'}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
  return (
    `${DAYS[d.getDay()]} ${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` +
    `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())} ${offset}`
  );
}

/**
 * moment writes a moment as short as it stays clear: "today 17:45", "22 Nov 17:45", "12 Jul 2025".
 * @param {number} at
 * @param {number} now
 */
export function moment(at, now) {
  const d = new Date(at);
  const clock = `${two(d.getHours())}:${two(d.getMinutes())}`;
  const days = Math.round((midnight(now) - midnight(at)) / DAY);
  if (days === 0) return `today ${clock}`;
  if (days === 1) return `yesterday ${clock}`;
  if (days === -1) return `tomorrow ${clock}`;
  if (Math.abs(days) < 183) return `${DAYS[d.getDay()]} ${d.getDate()} ${MONTHS[d.getMonth()]} ${clock}`;
  return `${d.getDate()} ${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
}

/**
 * day writes the day only: "22 Nov 2026".
 * @param {number} at
 */
export function day(at) {
  const d = new Date(at);
  return `${d.getDate()} ${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
}

/**
 * clock writes the time of day, to the second.
 * @param {number} at
 */
export function clock(at) {
  const d = new Date(at);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** @param {number} at */
function midnight(at) {
  return new Date(at).setHours(12, 0, 0, 0); // noon: a day of 23 hours is still one
}

/**
 * percent writes a share of 0 to 1: "12 %", "0.4 %".
 * @param {number} share
 */
export function percent(share) {
  const value = share * 100;
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}
