// What the tests share: a binary, databases, waiting without sleeping.
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** The binary of this repository: $OFFICER_BINARY, else built once for the test file. */
export const binary = process.env.OFFICER_BINARY ?? build();

function build() {
  const out = join(mkdtempSync(join(tmpdir(), "officer-bin-")), "officer");
  process.on("exit", () => rmSync(dirname(out), { recursive: true, force: true }));
  execFileSync("go", ["build", "-o", out, "./cmd/officer"], { cwd: root, stdio: "inherit" });
  return out;
}

/** A folder that is removed when all tests have ended; its path is short, for a socket lies in it. */
export function folder() {
  const dir = mkdtempSync(join(tmpdir(), "o-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A database with rows. */
export function database(dir, name = "app.db", rows = 1_000) {
  const path = join(dir, name);
  sql(path, `PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ${rows}) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n;`);
  return path;
}

/** Runs statements with the SQLite of the system. */
export function sql(path, statements) {
  return execFileSync("sqlite3", ["-cmd", ".timeout 60000", path, statements], { encoding: "utf8" }).trim();
}

/** Waits until something holds. The time only limits how long a failure takes. */
export async function eventually(what, withinMs = 120_000) {
  const until = performance.now() + withinMs;
  for (;;) {
    const got = await what();
    if (got) return got;
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}

/**
 * How many times as long as usual this machine takes for what every promise of time needs, at least 1: a promise is of a
 * machine that has time for it. Measured before and after what is promised.
 */
export function slowness() {
  const dir = folder();
  let worst = 0;
  for (let i = 0; i < 3; i++) {
    const since = performance.now();
    execFileSync(binary, ["version"]);
    const file = openSync(join(dir, "durable"), "w");
    writeSync(file, Buffer.alloc(65_536));
    fsyncSync(file);
    closeSync(file);
    worst = Math.max(worst, performance.now() - since);
  }
  return Math.max(1, worst / 60);
}

/** Whether a process is there. A zombie is not. */
export function alive(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync("/proc")) return true;
  try {
    return !/^State:\s+Z/m.test(execFileSync("cat", [`/proc/${pid}/status`], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return false;
  }
}
