/**
 * The light: what the whole comes down to. Green alone is not safe; safe is what a backup
 * proves that was opened, checked and compared.
 * @module
 */

import { age, count, many, took } from './format.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('../../types').Status} Status
 * @typedef {'good' | 'warn' | 'bad' | 'silent'} Level
 * @typedef {{level: Level, word: string, headline: string}} Light
 */

/** The word that stands beside each light. @type {Record<Level, string>} */
export const WORDS = { good: 'Safe', warn: 'Attention', bad: 'Act now', silent: 'No answer' };

/**
 * levelOfHealth turns the colour of the API into a light.
 * @param {import('../../types').Severity | undefined} health
 * @returns {Level}
 */
export function levelOfHealth(health) {
  if (health === 'SEVERITY_RED') return 'bad';
  return health === 'SEVERITY_YELLOW' ? 'warn' : 'good';
}

/** @param {import('../../types').LookedAfter} d */
export function levelOfDatabase(d) {
  return levelOfHealth(d.health);
}

/**
 * judge gives light, word and sentence: of the database that is shown, or of all.
 * @param {Model} model
 * @returns {Light}
 */
export function judge(model) {
  const { known, connection } = model;
  if (connection === 'login') return { level: 'silent', word: 'Logged out', headline: 'Your session has ended.' };
  if (connection === 'silent') {
    return { level: 'silent', word: WORDS.silent, headline: 'Officer does not answer: backups are not being taken.' };
  }
  if (!known && model.databases) return judgeAll(tally(model.databases));
  if (!known?.status) {
    const why = known?.refused.status;
    if (why) return { level: 'silent', word: 'Unknown', headline: why.text };
    return { level: 'silent', word: 'Asking', headline: 'Asking Officer …' };
  }
  const { health, lastVerifiedBackup } = known.status;
  const level = levelOfHealth(health?.health);
  if (!health) return { level: 'silent', word: 'Unknown', headline: 'Officer does not say how this database is.' };
  if (level !== 'good') return { level, word: WORDS[level], headline: health.headline || WORDS[level] };
  if (!lastVerifiedBackup) {
    return {
      level: 'silent',
      word: 'Not proved yet',
      headline: 'Nothing is known to be wrong, but no verified backup proves it yet.',
    };
  }
  return { level, word: WORDS.good, headline: 'Your data is safe.' };
}

/**
 * isDamaged tells whether damage was found and not yet repaired. The condition comes with
 * an event, before the status that says so, too.
 * @param {Status | undefined} status
 */
export function isDamaged(status) {
  return status?.integrity?.suspect === true || (status?.health?.conditions ?? []).some((c) => c.code === 'damage_found');
}

/**
 * tally counts databases by their light; one that could not be taken on is in danger.
 * @param {import('../../types').Databases} all
 */
export function tally(all) {
  const list = all.databases ?? [];
  const lost = all.problems?.length ?? 0;
  const bad = list.filter((d) => levelOfDatabase(d) === 'bad').length + lost;
  const warn = list.filter((d) => levelOfDatabase(d) === 'warn').length;
  return { bad, warn, total: list.length + lost };
}

/**
 * @param {ReturnType<typeof tally>} n
 * @returns {Light}
 */
function judgeAll({ bad, warn, total }) {
  if (bad > 0) return { level: 'bad', word: WORDS.bad, headline: `${many(bad, 'database is', 'databases are')} in danger.` };
  if (warn > 0)
    return { level: 'warn', word: WORDS.warn, headline: `${many(warn, 'database needs', 'databases need')} attention.` };
  if (total === 0) return { level: 'silent', word: 'Nothing', headline: 'No database is looked after.' };
  return { level: 'good', word: WORDS.good, headline: 'All databases are safe.' };
}

/**
 * countsOf writes a tally.
 * @param {ReturnType<typeof tally>} n
 */
export function countsOf({ bad, warn, total }) {
  const parts = [
    bad ? `${count(bad)} to act on` : '',
    warn ? `${count(warn)} to look at` : '',
    `${count(total - bad - warn)} safe`,
  ];
  return `${many(total, 'database')}: ${parts.filter(Boolean).join(', ')}.`;
}

/**
 * proof is the line of proof, in pieces; those with strong are figures.
 * @param {Status | undefined} status
 * @param {number} now
 * @returns {{text: string, strong?: boolean}[]}
 */
export function proof(status, now) {
  const newest = status?.lastVerifiedBackup;
  if (!status) return [];
  if (!newest)
    return [
      {
        text: 'The first backup is made as soon as Officer has checked the database.',
      },
    ];
  return [
    { text: 'The newest backup that was opened, checked and compared is ' },
    {
      text: age(Math.max(0, now - (newest.takenAtUnixMs ?? now))),
      strong: true,
    },
    { text: ' old' },
    ...drilled(status, now),
  ];
}

/**
 * @param {Status} status
 * @param {number} now
 */
function drilled(status, now) {
  const drill = status.lastDrill;
  if (!drill) return [{ text: '. No restore drill was held yet.' }];
  if (!drill.ok)
    return [
      {
        text: `. The last restore drill, ${age(now - (drill.atUnixMs ?? now))} ago, failed.`,
      },
    ];
  if (drill.backup?.id === status.lastVerifiedBackup?.id) {
    return [{ text: '; restored in a drill in ' }, { text: took(drill.restoreMs), strong: true }, { text: '.' }];
  }
  return [
    {
      text: `. A drill ${age(now - (drill.atUnixMs ?? now))} ago restored one in `,
    },
    { text: took(drill.restoreMs), strong: true },
    { text: '.' },
  ];
}
