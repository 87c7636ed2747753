/**
 * What an operation is called, how far it is, and how it ended, in words.
 * @module
 */

import { serverNow } from './api.js';
import { count, many, moment, size, took } from './format.js';

/**
 * @typedef {import('../../types').Operation} Operation
 * @typedef {import('../../types').CheckReport} CheckReport
 * @typedef {{level: 'good' | 'warn' | 'bad' | 'none', text: string, details?: string[], next?: string}} Outcome
 *   next names an action that is worth a button: "restore", "force backup", "undo"
 */

/** @type {Record<string, string>} */
const TITLES = {
  backup: 'Backup',
  check: 'Check',
  verify: 'Verification',
  drill: 'Restore drill',
  restore: 'Restore',
  undo: 'Undo',
  checkpoint: 'Emptying the WAL',
  vacuum: 'VACUUM',
  analyze: 'Statistics',
  preview: 'Preview',
  Pin: 'Pin',
  Unpin: 'Unpin',
};

/** @type {Record<string, string>} */
const STAGES = {
  copy: 'copying',
  verify: 'verifying',
  check: 'checking',
  restore: 'restoring',
  undo: 'taking back',
  hash: 'reading',
  vacuum: 'rebuilding',
  analyze: 'reading',
  checkpoint: 'moving pages',
};

/** @param {Operation} operation */
export function titleOf(operation) {
  return TITLES[operation.kind ?? ''] ?? operation.kind ?? 'Work';
}

/**
 * progressOf says how far it is: a share of 0 to 1 when that is known, and words.
 * @param {Operation} operation
 * @returns {{share: number | undefined, text: string}}
 */
export function progressOf(operation) {
  const { stage = '', done = 0, total = 0, unit = '' } = operation.progress ?? {};
  const words = STAGES[stage] ?? stage;
  if (!total) return { share: undefined, text: words || 'working' };
  const amount =
    unit === 'bytes' ? `${size(done)} of ${size(total)}` : `${count(done)} of ${many(total, unit.replace(/s$/, '') || 'step')}`;
  return { share: Math.min(1, done / total), text: `${words} ${amount}` };
}

/**
 * outcomeOf says how it ended.
 * @param {Operation} operation
 * @returns {Outcome}
 */
export function outcomeOf(operation) {
  if (operation.failure) return { level: operation.state === 'cancelled' ? 'none' : 'bad', text: cancelledOr(operation) };
  if (operation.state === 'cancelled') return { level: 'none', text: `${titleOf(operation)} cancelled and cleaned up.` };
  if (operation.backup) return backupOutcome(operation.backup);
  if (operation.check) return checkOutcome(operation.check);
  if (operation.verify) return verifyOutcome(operation.verify.verdicts ?? []);
  if (operation.drill) return drillOutcome(operation.drill);
  if (operation.restore) return restoreOutcome(operation);
  if (operation.checkpoint) return checkpointOutcome(operation.checkpoint);
  if (operation.maintenance) return maintenanceOutcome(operation.maintenance);
  return { level: 'none', text: `${titleOf(operation)} ended.` };
}

/** @param {Operation} operation */
function cancelledOr(operation) {
  return operation.state === 'cancelled' ? `${titleOf(operation)} cancelled and cleaned up.` : (operation.failure?.text ?? '');
}

/**
 * @param {NonNullable<Operation['backup']>} report
 * @returns {Outcome}
 */
function backupOutcome({ backup = { id: '' }, skipped, tries = 1 }) {
  if (skipped) {
    return {
      level: 'good',
      next: 'force backup',
      text: `Nothing changed since the verified backup of ${moment(backup.takenAtUnixMs ?? 0, serverNow())}: it is proof enough.`,
    };
  }
  const time = took((backup.copyMs ?? 0) + (backup.verifyMs ?? 0));
  if (!backup.verified)
    return { level: 'warn', text: `The backup is kept aside as ${backup.verdict || 'unverified'}; it does not count.` };
  const stall = backup.worstWriterStallMs ? [`writers waited ${took(backup.worstWriterStallMs)} at most`] : [];
  return {
    level: 'good',
    text: `Backup made and verified: ${size(backup.sizeBytes)} in ${time}.`,
    details: tries > 1 ? [`at try ${tries}`, ...stall] : stall,
  };
}

/**
 * @param {CheckReport} report
 * @returns {Outcome}
 */
function checkOutcome(report) {
  const details = findingsOf(report);
  if (report.verdict === 'damaged') return { level: 'bad', text: 'The database is damaged.', details, next: 'restore' };
  if (report.verdict !== 'ok')
    return { level: 'warn', text: 'The whole database could not be judged. This is not damage.', details };
  if (details.length > 0)
    return { level: 'warn', text: `No damage, but not all is well (checked in ${took(report.durationMs)}).`, details };
  return { level: 'good', text: `No damage: everything was read and checked in ${took(report.durationMs)}.` };
}

/**
 * findingsOf writes what a check found, each in a sentence.
 * @param {CheckReport} report
 */
export function findingsOf(report) {
  const found = (report.findings ?? []).map((f) =>
    f.object ? `${f.object}: ${f.detail ?? f.kind}` : (f.detail ?? f.kind ?? ''),
  );
  /** @type {Map<string, number>} */
  const orphans = new Map();
  for (const f of report.foreignKeys ?? []) {
    const pair = `${f.table} → ${f.parent}`;
    orphans.set(pair, (orphans.get(pair) ?? 0) + 1);
  }
  for (const [pair, n] of orphans) found.push(`${pair}: ${many(n, 'row')} without a parent`);
  for (const r of report.rules ?? []) found.push(`rule "${r.rule?.name}": ${r.error || many(r.rows ?? 0, 'row')}`);
  return found;
}

/**
 * @param {NonNullable<NonNullable<Operation['verify']>['verdicts']>} verdicts
 * @returns {Outcome}
 */
function verifyOutcome(verdicts) {
  const bad = verdicts.filter((v) => v.verdict !== 'verified');
  if (bad.length === 0) return { level: 'good', text: `${many(verdicts.length, 'stored backup')} read again and verified.` };
  return {
    level: 'bad',
    text: `${bad.length} of ${many(verdicts.length, 'stored backup')} did not pass.`,
    details: bad.map((v) => `${v.backup?.id}: ${v.verdict}`),
  };
}

/**
 * @param {NonNullable<Operation['drill']>} report
 * @returns {Outcome}
 */
function drillOutcome(report) {
  const details = findingsOf(report);
  if (!report.ok) return { level: 'bad', text: `Backup ${report.backup?.id} did not restore.`, details };
  const text = `Backup of ${moment(report.backup?.takenAtUnixMs ?? 0, serverNow())} restored in ${took(report.restoreMs)} and checked in ${took(report.checkMs)}.`;
  return { level: details.length > 0 ? 'warn' : 'good', text, details };
}

/**
 * @param {Operation} operation
 * @returns {Outcome}
 */
function restoreOutcome(operation) {
  const report = operation.restore ?? {};
  const time = took(report.durationMs);
  if (operation.kind === 'undo') return { level: 'good', text: `The restore was taken back in ${time}.` };
  return {
    level: 'good',
    text: `Restored from backup ${report.restoredFrom} and verified in ${time}.`,
    next: report.undoId ? 'undo' : undefined,
  };
}

/**
 * @param {NonNullable<Operation['checkpoint']>} report
 * @returns {Outcome}
 */
function checkpointOutcome(report) {
  if (report.skippedBecause) return { level: 'none', text: `The WAL was left as it is: ${report.skippedBecause}.` };
  const sizes = `${size(report.walBytesBefore)} → ${size(report.walBytesAfter)}`;
  if (report.complete) return { level: 'good', text: `Everything in the WAL was moved into the database (${sizes}).` };
  const details = (report.hostages ?? []).map(
    (h) => `${h.command || 'a process'} (${h.pid || 'unknown'}) still reads ${many(h.pages ?? 0, 'page')}`,
  );
  return { level: 'warn', text: `The WAL could not be emptied wholly (${sizes}).`, details };
}

/**
 * @param {NonNullable<Operation['maintenance']>} report
 * @returns {Outcome}
 */
function maintenanceOutcome(report) {
  const what = report.kind === 'analyze' ? 'Statistics' : 'VACUUM';
  if (report.skipped) return { level: 'none', text: `${what} left out: ${report.because}.` };
  if (report.kind === 'analyze')
    return { level: 'good', text: `Statistics of the query planner renewed in ${took(report.durationMs)}.` };
  const won = (report.beforeBytes ?? 0) - (report.afterBytes ?? 0);
  return { level: 'good', text: `VACUUM gave ${size(Math.max(0, won))} back in ${took(report.durationMs)}.` };
}
