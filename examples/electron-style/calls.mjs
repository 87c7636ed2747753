// The twelve calls of the app's health page, each in terms of Officer's client. An Electron app would hand them to
// ipcMain.handle; here they are served over HTTP. Every answer is plain JSON.
import { toPlain } from "@officer-doofy/officer";

const GB = 1_000_000_000;

/** @param {import("@officer-doofy/officer").Officer} officer */
export function healthCalls(officer) {
  const { client, work } = officer;
  const condition = (c) => ({ code: c.code, severity: severity(c.severity), text: c.text, hint: c.hint, since: date(c.sinceUnixMs) });

  const calls = {
    /** 1. Everything that the page shows at once. */
    async getDashboard() {
      const [status, backups, history] = await Promise.all([client.getStatus(), calls.getBackupStats(), client.getHistory()]);
      return { ...(await calls.getStatus()), backups, status: toPlain(status), history: toPlain(history) };
    },

    /** 2. The light, its sentence and what is wrong. */
    async getStatus() {
      const h = await client.getHealth();
      return { health: severity(h.health), headline: h.headline, conditions: h.conditions.map(condition) };
    },

    /** 3. A look at everything now: structure, content, foreign keys and the app's own rules. */
    async runHealthCheck(onProgress) {
      const check = await work.check({}, { onProgress });
      return { verdict: check.verdict, durationMs: Number(check.durationMs), ...(await calls.getStatus()) };
    },

    /** 4. A verified backup; the standing one when nothing changed since. */
    async createBackup(reason = "manual", onProgress) {
      const r = await work.backUp({ reason }, { onProgress });
      return { skipped: r.skipped, ...backup(r.backup) };
    },

    /** 5. How many there are, how old, how large, and why each is kept. */
    async getBackupStats() {
      const { backups } = await client.listBackups();
      const verified = backups.filter((b) => b.verified);
      return {
        count: backups.length, verified: verified.length, newest: verified[0] && backup(verified[0]),
        totalBytes: backups.reduce((sum, b) => sum + Number(b.sizeBytes), 0), backups: backups.map(backup),
      };
    },

    /** 6. Free room on every volume that matters. */
    async getDiskSpace() {
      const disk = await client.getDisk();
      return {
        level: disk.level,
        volumes: disk.volumes.map((v) => ({
          path: v.path, roles: v.roles, level: v.level, freeGB: Number(v.freeBytes) / GB, totalGB: Number(v.totalBytes) / GB,
          daysUntilFull: v.daysUntilFull || undefined, freeable: v.freeable.map((f) => ({ what: f.what, bytes: Number(f.bytes), how: f.how })),
        })),
      };
    },

    /** 7. What a full check found, page by page. Damage is a verdict, no error. */
    async checkIntegrity(onProgress) {
      const r = await work.check({}, { onProgress });
      return {
        verdict: r.verdict, durationMs: Number(r.durationMs), findings: r.findings.map((f) => ({ ...f, $typeName: undefined, page: Number(f.page) })),
        orphans: r.foreignKeys.map((k) => ({ table: k.table, rowid: Number(k.rowid), parent: k.parent })),
      };
    },

    /** 8. The app's own rules (check.rules in officer.yaml) and which are broken. */
    async getDataRules() {
      const { integrity } = await client.getStatus();
      const broken = integrity?.lastFull?.rules ?? [];
      return {
        checkedAt: date(integrity?.lastFull?.checkedAtUnixMs ?? 0n),
        broken: broken.map((r) => ({ name: r.rule?.name, sql: r.rule?.sql, severity: severity(r.rule?.severity), rows: Number(r.rows), error: r.error })),
      };
    },

    /** 9. VACUUM if it pays, and statistics. A verified backup is taken before. */
    async runMaintenance(onProgress) {
      const done = [await work.vacuum({}, { onProgress }), await work.analyze({}, { onProgress })];
      return done.map((m) => ({
        kind: m.kind, skipped: m.skipped, because: m.because, savedBytes: Number(m.beforeBytes - m.afterBytes), durationMs: Number(m.durationMs),
      }));
    },

    /** 10. What is due when. */
    async getSchedule() {
      const { schedules } = await client.getSchedule();
      return schedules.map((s) => ({ owner: s.owner, key: s.key, last: date(s.lastUnixMs), next: date(s.nextUnixMs) }));
    },

    /** 11. Whether the database is damaged, whether writes are held back, and what a restore would change. */
    async getRecoveryState() {
      const status = await client.getStatus();
      const damaged = status.integrity?.suspect ?? false;
      const preview = damaged ? await work.restore({ dryRun: true }).catch((e) => ({ error: e.text, hints: e.hints })) : undefined;
      return {
        damaged, since: date(status.integrity?.suspectSinceUnixMs ?? 0n), writesHeldBack: status.owner?.fence?.active ?? false,
        lastVerified: status.lastVerifiedBackup && backup(status.lastVerifiedBackup), preview: preview && restored(preview),
      };
    },

    /**
     * 12. Puts the newest verified backup into the damaged database; the app's connection stays open. Without `confirmed`
     * Officer refuses to overwrite a healthy one.
     */
    async attemptRecovery(onProgress) {
      return restored(await work.restore({}, { onProgress }));
    },
  };
  return calls;
}

const severity = (s) => ["green", "yellow", "red"][s ?? 0];
const date = (ms) => (ms > 0n ? new Date(Number(ms)).toISOString() : undefined);

function backup(b) {
  return {
    id: b.id, takenAt: date(b.takenAtUnixMs), sizeBytes: Number(b.sizeBytes), tier: b.tier, reason: b.reason, verified: b.verified,
    verdict: b.verdict, sha256: b.sha256, keepReason: b.keepReason, expires: date(b.expiresAtUnixMs),
  };
}

function restored(r) {
  if ("error" in r) return r;
  return {
    from: r.restoredFrom, undoId: r.undoId, inPlace: r.inPlace, durationMs: Number(r.durationMs),
    tables: r.tables.map((t) => ({ name: t.name, before: Number(t.rowsBefore), after: Number(t.rowsAfter) })),
  };
}
