/**
 * What each of the ten systems says of itself.
 * @module
 */

import { ago, ahead, count, many, moment, percent, signed, size, took } from './format.js';
import { isDamaged } from './light.js';
import { findingsOf } from './outcome.js';
import { cameFrom, firstOf, holders } from './words.js';

/**
 * @typedef {import('./main.js').Page} Page
 * @typedef {import('./model.js').Known} Known
 * @typedef {{at?: number, words: string} | undefined} Moment
 * @typedef {{name: string, icon: string, owns: string[], state: string, level?: 'good' | 'warn' | 'bad' | 'none', more?: string,
 *   last?: Moment, next?: Moment, actions?: [string, () => void][]}} Row owns names the systems of its conditions
 */

const FAR_DAYS = 90; // a forecast beyond is no reason to act

/**
 * rowsOfSystems gives all ten.
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row[]}
 */
export function rowsOfSystems(page, known, now) {
  return [
    backups(page, known, now),
    integrity(page, known, now),
    disk(known, now),
    wal(page, known, now),
    proofs(page, known, now),
    log(page, known, now),
    metrics(page, known),
    maintenance(page, known, now),
    health(known, now),
    recovery(page, known, now),
  ];
}

/**
 * @param {Known} known
 * @param {number} now
 * @param {string} key
 * @returns {Moment}
 */
function due(known, now, key) {
  const s = known.schedules?.find((one) => one.key === key);
  return s?.nextUnixMs ? { at: s.nextUnixMs, words: ahead(s.nextUnixMs, now) } : undefined;
}

/**
 * @param {number | undefined} at
 * @param {number} now
 * @param {string} [more]
 * @returns {Moment}
 */
function past(at, now, more = '') {
  return at ? { at, words: `${ago(at, now)}${more}` } : undefined;
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function backups(page, known, now) {
  const list = (known.backups?.backups ?? []).filter((one) => one.tier !== 'suspect' && one.tier !== 'quarantined');
  const b = known.status?.lastVerifiedBackup;
  return {
    name: 'Backup',
    icon: 'backup',
    owns: ['backup'],
    state: b
      ? `${many(list.length || (known.status?.backups ?? 0), 'restore point')}, the newest ${size(b.sizeBytes)}`
      : 'No verified backup',
    level: b ? 'good' : 'none',
    more: known.backups?.held ? `Nothing expires now: ${known.backups.held}` : undefined,
    last: past(b?.takenAtUnixMs, now, b ? `, in ${took((b.copyMs ?? 0) + (b.verifyMs ?? 0))}` : ''),
    next: due(known, now, 'backup'),
    actions: [['Back up', () => page.backUp()]],
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function integrity(page, known, now) {
  const { lastFull, lastForeignKeys } = known.status?.integrity ?? {};
  const damaged = isDamaged(known.status) || lastFull?.verdict === 'damaged';
  const found = findingsOf({ ...lastFull, foreignKeys: lastForeignKeys?.foreignKeys });
  let state = 'Not fully checked yet';
  if (damaged) state = `Damaged: ${firstOf(findingsOf(lastFull ?? {})) || 'seen twice'}`;
  else if (lastFull?.verdict === 'ok') state = found.length > 0 ? `No damage, but: ${firstOf(found)}` : 'No damage';
  else if (lastFull) state = 'The whole could not be judged; not damage';
  return {
    name: 'Integrity',
    icon: 'integrity',
    owns: ['integrity', 'supervisor'],
    state,
    level: damaged ? 'bad' : lastFull ? 'good' : 'none',
    more: lastForeignKeys?.checkedAtUnixMs ? `Foreign keys checked ${ago(lastForeignKeys.checkedAtUnixMs, now)}` : undefined,
    last: past(lastFull?.checkedAtUnixMs, now, lastFull ? `, in ${took(lastFull.durationMs)}` : ''),
    next: due(known, now, 'integrity.full'),
    actions: [
      ['Quick', () => page.check('CHECK_KIND_QUICK')],
      ['Full check', () => page.check()],
    ],
  };
}

/**
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function disk(known, now) {
  const report = known.status?.disk;
  const volumes = [...(report?.volumes ?? [])].sort((a, b) => (a.freeBytes ?? 0) - (b.freeBytes ?? 0));
  const v = volumes[0];
  const full =
    v?.daysUntilFull && v.daysUntilFull < FAR_DAYS
      ? `; full in about ${many(Math.max(1, Math.round(v.daysUntilFull)), 'day')} if it goes on like this`
      : '';
  const words =
    {
      low: 'Low: ',
      imports_blocked: 'Imports refused: ',
      writes_blocked: 'Full: ',
    }[report?.level ?? ''] ?? '';
  return {
    name: 'Disk',
    icon: 'disk',
    owns: ['disk'],
    level: v ? 'good' : 'none',
    state: v ? `${words}${size(v.freeBytes)} free of ${size(v.totalBytes)}${full}` : 'Not looked at yet',
    more: v
      ? [
          volumes.length > 1 ? many(volumes.length, 'volume') : (v.path ?? ''),
          v.nextJobBytes ? `the next backup needs ${size(v.nextJobBytes)}` : '',
          report?.reserveHeld ? `${size(report.reserveBytes)} in reserve` : '',
        ]
          .filter(Boolean)
          .join(' · ')
      : undefined,
    last: past(report?.checkedAtUnixMs, now),
    next: due(known, now, 'disk'),
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function wal(page, known, now) {
  const w = known.status?.wal;
  const on = w?.journalMode === 'wal';
  const held = (w?.hostages ?? []).length > 0;
  let state = w?.journalMode ? `Not in use: journal mode ${w.journalMode}` : 'Not looked at yet';
  if (on) state = `${size(w.walBytes)} of ${size(w.limitBytes)} allowed`;
  if (held) state += `; ${holders(w?.hostages)} keeps it from being emptied`;
  return {
    name: 'Write-ahead log',
    icon: 'wal',
    owns: ['wal'],
    state,
    level: on ? 'good' : 'none',
    more: w?.engineHazard || w?.passiveBecause,
    last: past(w?.lastAtUnixMs, now, w?.last ? `, in ${took(w.last.durationMs)}` : ''),
    next: on ? { words: 'when it grows or rests' } : undefined,
    actions: on ? [['Empty it', () => page.checkpoint()]] : [],
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function proofs(page, known, now) {
  const list = (known.backups?.backups ?? []).filter((b) => b.tier !== 'suspect' && b.tier !== 'quarantined');
  const good = list.filter((b) => b.verified).length;
  const drill = known.status?.lastDrill;
  return {
    name: 'Verification',
    icon: 'verify',
    owns: ['verification', 'drill'],
    level: good < list.length ? 'warn' : list.length > 0 ? 'good' : 'none',
    state: list.length > 0 ? `${good} of ${many(list.length, 'stored backup')} verified` : 'Nothing to verify yet',
    more: drill
      ? drill.ok
        ? `A drill restored one in ${took(drill.restoreMs)}`
        : 'The last drill failed'
      : 'No restore drill yet',
    last: past(drill?.atUnixMs, now, ' (drill)'),
    next: due(known, now, 'backup.drill'),
    actions: [
      ['Verify all', () => page.verify()],
      ['Drill', () => page.drill()],
    ],
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function log(page, known, now) {
  const newest = known.logs.at(-1);
  const bad = known.logs.filter((r) => r.level === 'error');
  const last = bad.at(-1);
  return {
    name: 'Log',
    icon: 'log',
    owns: ['logs'],
    state: last ? `${many(bad.length, 'error')} lately; the last: ${last.message}` : 'No errors lately',
    more: last ? `${ago(last.timeUnixMs, now)}, ${last.component}` : undefined,
    last: past(newest?.timeUnixMs, now),
    actions: [['Show', () => page.showFeed('log')]],
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @returns {Row}
 */
function metrics(page, known) {
  const all = known.metrics ?? [];
  const slow = all.filter((m) => m.budgetMs && (m.p95Ms ?? 0) > m.budgetMs);
  const runs = all.reduce((sum, m) => sum + (m.count ?? 0), 0);
  return {
    name: 'Metrics',
    icon: 'metrics',
    owns: ['metrics'],
    level: slow.length > 0 ? 'warn' : all.length > 0 ? 'good' : 'none',
    state:
      slow.length > 0
        ? `${firstOf(slow.map((m) => m.name))} above its budget`
        : all.length > 0
          ? 'Everything within its budget'
          : 'Nothing measured yet',
    more: all.length > 0 ? `${many(all.length, 'operation')}, ${count(runs)} runs in the window` : undefined,
    actions: [['Show', () => page.scrollTo('history')]],
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function maintenance(page, known, now) {
  const m = known.status?.maintenance;
  const share = m?.pages ? (m.freePages ?? 0) / m.pages : 0;
  const { lastVacuum, lastAnalyze } = m ?? {};
  const won = lastVacuum ? (lastVacuum.afterBytes ?? 0) - (lastVacuum.beforeBytes ?? 0) : 0;
  return {
    name: 'Maintenance',
    icon: 'maintenance',
    owns: ['maint'],
    state: m?.importing
      ? 'Waits for an import of the app'
      : m?.pages
        ? `${percent(share)} of the pages are free`
        : 'Nothing to do',
    more: [
      lastVacuum && !lastVacuum.skipped ? `VACUUM ${ago(lastVacuum.atUnixMs, now)}: ${signed(won, size)}` : '',
      lastAnalyze && !lastAnalyze.skipped ? `statistics ${ago(lastAnalyze.atUnixMs, now)}` : '',
    ]
      .filter(Boolean)
      .join(' · '),
    last: past(Math.max(lastVacuum?.atUnixMs ?? 0, lastAnalyze?.atUnixMs ?? 0), now),
    next: earliest(due(known, now, 'maint.vacuum'), due(known, now, 'maint.analyze')),
    actions: [
      ['Statistics', () => page.analyze()],
      ['VACUUM', () => page.vacuum()],
    ],
  };
}

/** @param {...Moment} moments */
function earliest(...moments) {
  return moments.filter((m) => m !== undefined).sort((a, b) => (a.at ?? 0) - (b.at ?? 0))[0];
}

/**
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function health(known, now) {
  const actors = known.status?.actors ?? [];
  const down = actors.filter((a) => a.state !== 'running');
  const restarts = actors.reduce((sum, a) => sum + (a.restarts ?? 0), 0);
  const n = known.status?.health?.conditions?.length ?? 0;
  const changed = known.events.filter((e) => e.type === 'health.changed').at(-1)?.timeUnixMs;
  return {
    name: 'Health',
    icon: 'health',
    owns: ['health', 'notify', 'schedule', 'dbowner'],
    level: down.length > 0 ? 'bad' : 'good',
    state: n === 0 ? 'Nothing is wrong' : `${many(n, 'thing')} to look at`,
    more:
      down.length > 0
        ? `Rests: ${down.map((a) => a.name).join(', ')}`
        : `${many(actors.length, 'part')} of Officer running${restarts ? `, ${many(restarts, 'restart')}` : ''}`,
    last: changed ? { at: changed, words: `changed ${ago(changed, now)}` } : undefined,
    next: { words: 'at every change' },
  };
}

/**
 * @param {Page} page
 * @param {Known} known
 * @param {number} now
 * @returns {Row}
 */
function recovery(page, known, now) {
  const last = known.events.filter((e) => e.restoreFinished).at(-1);
  const fence = known.status?.owner?.fence;
  const undo = last && !last.restoreFinished?.undo && last.restoreFinished?.report?.undoId;
  let state = 'Ready';
  if (last) state = last.restoreFinished?.undo ? 'The last restore was taken back' : cameFrom(last.restoreFinished?.report ?? {});
  if (fence?.active) state = `Writes are held back (${(fence.reasons ?? []).join(', ')})`;
  return {
    name: 'Recovery',
    icon: 'recovery',
    owns: ['recovery'],
    state,
    level: fence?.active ? 'bad' : 'good',
    more: fence?.active ? (fence.held ? `since ${moment(fence.sinceUnixMs ?? now, now)}` : fence.text) : undefined,
    last: past(last?.timeUnixMs, now),
    next: { words: 'when damage is found' },
    actions: undo ? [['Undo…', () => page.undo()]] : [],
  };
}
