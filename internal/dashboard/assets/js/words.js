/**
 * Events and settings in words.
 * @module
 */

import { serverNow } from './api.js';
import { findingsOf } from './outcome.js';
import { day, exact, many, moment, size, took } from './format.js';

/**
 * @typedef {import('../../types').OfficerEvent} OfficerEvent
 * @typedef {import('../../types').Backup} Backup
 * @typedef {'good' | 'warn' | 'bad' | 'none'} Level
 */

/** @type {Record<string, Level>} */
const LEVELS = {
  'backup.verified': 'good',
  'backup.failed': 'bad',
  'backup.rotten': 'bad',
  'integrity.damage_found': 'bad',
  'integrity.damage_gone': 'good',
  'restore.finished': 'good',
  'restore.undone': 'good',
  'restore.failed': 'bad',
  'fence.raised': 'bad',
  'fence.lifted': 'good',
  'actor.restarted': 'warn',
  'actor.gave_up': 'bad',
  'wal.blocked': 'warn',
  'wal.grew': 'warn',
  'query.slow': 'warn',
  'recovery.finished': 'good',
  'recovery.failed': 'bad',
  'recovery.started': 'warn',
  'maintenance.vacuumed': 'good',
  'maintenance.analyzed': 'good',
  'officer.started': 'none',
};

const CHECKS = { CHECK_KIND_FULL: 'Full check', CHECK_KIND_QUICK: 'Quick check', CHECK_KIND_FOREIGN_KEYS: 'Foreign keys' };

/**
 * levelOf says how an event is to be taken.
 * @param {OfficerEvent} e
 * @returns {Level}
 */
export function levelOf(e) {
  if (e.healthChanged) return levelOfSeverity(e.healthChanged.report?.health);
  if (e.drillFinished) return e.drillFinished.report?.ok ? 'good' : 'bad';
  if (e.integrityChecked) return e.integrityChecked.report?.verdict === 'ok' ? 'good' : 'warn';
  if (e.diskLevelChanged) return e.diskLevelChanged.to === 'ok' ? 'good' : 'warn';
  if (e.tamperingFound) return 'warn';
  return LEVELS[e.type] ?? 'none';
}

/**
 * @param {import('../../types').Severity | undefined} severity
 * @returns {Level}
 */
export function levelOfSeverity(severity) {
  if (severity === 'SEVERITY_RED') return 'bad';
  return severity === 'SEVERITY_YELLOW' ? 'warn' : 'good';
}

/** What each level is called beside its icon. @type {Record<Level, string>} */
export const LEVEL_WORDS = { good: 'Good', warn: 'Attention', bad: 'Act now', none: 'Note' };

/**
 * sentence tells an event.
 * @param {OfficerEvent} e
 * @returns {string}
 */
export function sentence(e) {
  return ofBackups(e) ?? ofDatabase(e) ?? ofOfficer(e) ?? e.type;
}

/** @param {OfficerEvent} e */
function ofBackups(e) {
  if (e.backupTaken) {
    const b = e.backupTaken.backup;
    return `Backup made and verified: ${size(b?.sizeBytes)} in ${took((b?.copyMs ?? 0) + (b?.verifyMs ?? 0))}`;
  }
  if (e.backupFailed) return `No backup could be made: ${e.backupFailed.failure?.text}`;
  if (e.backupSkipped)
    return `Nothing changed since the verified backup of ${moment(e.backupSkipped.standing?.takenAtUnixMs ?? 0, serverNow())}`;
  if (e.backupPruned) return `Backup ${e.backupPruned.dropped?.id} dropped: ${e.backupPruned.dropped?.reason}`;
  if (e.backupRotten) return `Stored backup ${e.backupRotten.verdict?.backup?.id} is ${e.backupRotten.verdict?.verdict}`;
  if (e.drillFinished) {
    const r = e.drillFinished.report;
    return `Restore drill of backup ${r?.backup?.id}: ${r?.ok ? `usable after ${took(r.restoreMs)}` : 'it did not restore'}`;
  }
  if (e.schemaChanged)
    return `The schema changed: backup ${e.schemaChanged.pinnedId} before it is pinned until ${moment(e.schemaChanged.untilUnixMs ?? 0, serverNow())}`;
  if (e.restoreFinished) return e.restoreFinished.undo ? 'Restore taken back' : cameFrom(e.restoreFinished.report ?? {});
  if (e.restoreFailed)
    return `${e.restoreFailed.repair ? 'Recovery stopped' : 'Restore failed'}: ${e.restoreFailed.failure?.text}`;
  if (e.recoveryStarted) return `Recovery of the damaged database begins${e.recoveryStarted.automatic ? ' by itself' : ''}`;
  if (e.recoveryStep) return `Recovery: ${e.recoveryStep.step}`;
  return undefined;
}

const LAYERS = new Map([
  ['reindex', 'its indexes were made anew'],
  ['merge', 'the newest backup and everything newer that could be proven'],
  ['salvage', 'what could be proven; there was no backup'],
]);

/**
 * cameFrom says what came into place, of a repair also what it cost.
 * @param {import('../../types').RestoreReport} r
 */
export function cameFrom(r) {
  const how = LAYERS.get(r.layer ?? '');
  if (!how) return `Restored from ${r.restoredFrom}`;
  const sum = { lent: 0, lost: 0, confirmed: 0, unconfirmed: 0, doubted: 0 };
  for (const t of r.recovered ?? []) {
    sum.lent += Number(t.rowsFromBase ?? 0);
    sum.lost += Number(t.rowsLostEstimate ?? 0);
    sum.confirmed += Number(t.rowsConfirmed ?? 0);
    sum.unconfirmed += Number(t.rowsUnconfirmed ?? 0) + Number(t.rowsUndated ?? 0);
    sum.doubted += Number(t.rowsDoubted ?? 0);
  }
  const report = r.reportFile ? `; report: ${r.reportFile}` : '';
  return `Recovered (${how}): ${sum.lost} rows lost, ${sum.lent} from a backup, ${sum.doubted} doubted; ${sum.confirmed} rows confirmed, ${sum.unconfirmed} whole, but nothing confirms them${report}`;
}

/** @param {OfficerEvent} e */
function ofDatabase(e) {
  if (e.integrityChecked) {
    const r = e.integrityChecked.report;
    const what = CHECKS[r?.kind ?? 'CHECK_KIND_FULL'];
    return `${what}: ${r?.verdict === 'ok' ? 'no damage' : (r?.verdict ?? '').replaceAll('_', ' ')} (${took(r?.durationMs)})`;
  }
  if (e.damageFound) return `Damage found: ${firstOf(findingsOf(e.damageFound.report ?? {})) || 'seen twice'}`;
  if (e.damageGone) return 'The damage is gone';
  if (e.fenceChanged)
    return `${e.fenceChanged.active ? 'Writes are held back' : 'Writes are let through again'}: ${e.fenceChanged.reason}`;
  if (e.walCheckpointed) {
    const o = e.walCheckpointed.outcome;
    return `WAL ${o?.complete ? 'emptied' : 'partly emptied'}: ${size(o?.walBytesBefore)} → ${size(o?.walBytesAfter)}`;
  }
  if (e.walGrew) return `The WAL grew to ${size(e.walGrew.walBytes)} (limit ${size(e.walGrew.limitBytes)})`;
  if (e.walBlocked) return `${holders(e.walBlocked.hostages)} keeps the WAL from being emptied (${size(e.walBlocked.walBytes)})`;
  if (e.maintenanceDone) {
    const r = e.maintenanceDone.report;
    if (r?.kind === 'analyze') return `Statistics renewed in ${took(r.durationMs)}`;
    return `VACUUM: ${size(r?.beforeBytes)} → ${size(r?.afterBytes)} in ${took(r?.durationMs)}`;
  }
  if (e.maintenanceSkipped) return `Maintenance left out: ${e.maintenanceSkipped.report?.because}`;
  if (e.querySlow) return `${e.querySlow.name} took ${took(e.querySlow.durationMs)} (budget ${took(e.querySlow.budgetMs)})`;
  return undefined;
}

/** @param {OfficerEvent} e */
function ofOfficer(e) {
  if (e.healthChanged) return e.healthChanged.report?.headline;
  if (e.diskLevelChanged) {
    const { volume, from, to } = e.diskLevelChanged;
    return `Disk ${(from ?? '').replaceAll('_', ' ')} → ${(to ?? '').replaceAll('_', ' ')}: ${size(volume?.freeBytes)} free on the volume of ${volume?.path}`;
  }
  if (e.actorRestarted) return `Officer's ${e.actorRestarted.actor} part crashed and was restarted`;
  if (e.actorGaveUp) return `Officer's ${e.actorGaveUp.actor} part crashed too often and rests; everything else goes on`;
  if (e.tamperingFound) return `${e.tamperingFound.file} was changed past Officer: ${(e.tamperingFound.what ?? []).join('; ')}`;
  if (e.lifecycle) return `Officer ${e.lifecycle.state}`;
  return undefined;
}

/**
 * holders names who holds the WAL.
 * @param {import('../../types').Hostage[] | undefined} hostages
 */
export function holders(hostages = []) {
  const names = hostages.map((h) => (h.pid ? `${h.command || 'process'} (${h.pid})` : 'a reader'));
  return firstOf(names) || 'A reader';
}

/** @param {string[]} list */
export function firstOf(list) {
  if (list.length < 2) return list[0] ?? '';
  return `${list[0]} (and ${list.length - 1} more)`;
}

/**
 * reasonOf says why a backup was taken.
 * @param {string | undefined} reason
 */
export function reasonOf(reason = '') {
  return (
    {
      start: 'at start',
      scheduled: 'scheduled',
      manual: 'by hand',
      before_restore: 'before a restore',
      before_vacuum: 'before a VACUUM',
    }[reason] ?? reason
  );
}

/**
 * untilOf says how long retention will keep a backup.
 * @param {Backup} b
 * @param {number} now
 */
export function untilOf(b, now) {
  if (b.pinned) return b.pinnedUntilUnixMs ? `${moment(b.pinnedUntilUnixMs, now)} (pinned)` : 'for ever';
  if (!b.expiresAtUnixMs) return 'for now';
  return `about ${day(b.expiresAtUnixMs)}`;
}

/**
 * standing tells whether a stored backup can be restored, and if not why.
 * @param {Backup} b
 * @returns {{level: Level, word: string, why: string}}
 */
export function standing(b) {
  if (b.tier === 'suspect') return { level: 'warn', word: 'suspect', why: 'taken while the database was damaged' };
  if (b.tier === 'quarantined') return { level: 'warn', word: 'set aside', why: b.keepReason ?? '' };
  if (b.verified)
    return { level: 'good', word: 'verified', why: b.lastVerdictAtUnixMs ? `read again ${exact(b.lastVerdictAtUnixMs)}` : '' };
  const bad = ['damaged', 'missing', 'changed'].includes(b.verdict ?? '');
  return { level: bad ? 'bad' : 'warn', word: b.verdict || 'not verified', why: '' };
}

/** @param {number | undefined} version SQLITE_VERSION_NUMBER */
export function sqliteVersion(version = 0) {
  return `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1000) % 1000}.${version % 1000}`;
}

/**
 * rowsOf adds up the rows of a backup's tables.
 * @param {Backup | undefined} b
 * @returns {number | undefined}
 */
export function rowsOf(b) {
  const tables = b?.content?.tables;
  return tables?.reduce((sum, t) => sum + Math.max(0, t.rows ?? 0), 0);
}

/** @param {number | undefined} rows */
export function rowsText(rows) {
  return rows === undefined ? '' : many(rows, 'row');
}
