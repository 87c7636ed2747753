/**
 * Which fields of the API are 64-bit numbers. JSON carries those as strings; units stand
 * last in names, so most are known by that. A Go test compares this with the messages.
 * @module
 */

const UNIT = /^(rows[A-Z].*|.*(Ms|Us|Bytes|Frames|Pages|Inodes|PerSecond))$/;

const NAMES = new Set([
  'after',
  'afterSequence',
  'applicationId',
  'backfilled',
  'bytes',
  'count',
  'done',
  'failed',
  'frames',
  'oldest',
  'page',
  'pageCount',
  'pageSize',
  'pages',
  'pid',
  'rows',
  'sequence',
  'setAside',
  'total',
  'userVersion',
  'walBytesAfter',
  'walBytesBefore',
  'writerVersion',
]);

/**
 * isNumber tells whether a string in this field is a number. Identities (rowid, inode,
 * device, salts) stay text: a rowid may be beyond 2^53.
 * @param {string} field
 */
export function isNumber(field) {
  return UNIT.test(field) || NAMES.has(field);
}
