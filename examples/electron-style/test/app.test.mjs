// The example for real: better-sqlite3 writes all the time, a page of the file is destroyed, and everything that
// follows is seen from where the app and its page stand.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { startApp } from "../main.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let dir, binary;

before(() => {
  dir = mkdtempSync(join(tmpdir(), "ex-"));
  binary = process.env.OFFICER_BINARY;
  if (!binary) {
    binary = join(dir, "officer");
    execFileSync("go", ["build", "-o", binary, "./cmd/officer"], { cwd: root, stdio: "inherit" });
  }
});
after(() => rmSync(dir, { recursive: true, force: true }));

const tick = () => new Promise((r) => setTimeout(r, 5));

// The time only limits how long a failure takes.
async function eventually(what, withinMs = 120_000) {
  for (const until = performance.now() + withinMs; ; await tick()) {
    const got = await what();
    if (got) return got;
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

/** Rows that are not written any more, so that a page of theirs is only in the file. */
function fill(path) {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.exec("CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)");
  const insert = db.prepare("INSERT INTO media (name, sha256) VALUES (?, ?)");
  db.transaction(() => {
    for (let i = 0; i < 5_000; i++) insert.run(`photo ${i}.jpg`, "ab".repeat(32));
  })();
  db.close();
}

/** Overwrites a leaf page of a table with zeros, as a disk or a foreign program does. */
function zeroLeaf(db, path, table) {
  db.pragma("wal_checkpoint(TRUNCATE)");
  const page = db.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno LIMIT 1 OFFSET 10").pluck().get(table);
  const size = db.pragma("page_size", { simple: true });
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(size), 0, size, (page - 1) * size);
  closeSync(file);
  return page;
}

/** What the page's card asks: through the app's own server. */
async function card(app) {
  const r = await fetch(`${app.url}officer/officer.v1.ControlService/GetHealth`, {
    method: "POST", headers: { "content-type": "application/json" }, body: "{}",
  });
  assert.equal(r.status, 200);
  return r.json();
}

test("damage is seen, writes are held back, recovery brings everything back on the same connection", async (t) => {
  process.env.OFFICER_RECOVER_AUTOMATIC = "false"; // here the user decides, as the twelfth call does
  t.after(() => delete process.env.OFFICER_RECOVER_AUTOMATIC);
  const path = join(dir, "archive.db");
  fill(path);
  const app = await startApp(path, { binary, everyMs: 5 });
  t.after(() => app.stop());
  const events = [];
  app.officer.on("event", (e) => events.push(e.type));

  await eventually(() => app.state.written > 50);
  const made = await app.calls.createBackup("before the damage");
  assert.ok(made.verified);
  assert.equal((await card(app)).health ?? "SEVERITY_GREEN", "SEVERITY_GREEN");

  const page = zeroLeaf(app.db, path, "media");
  const checked = await app.calls.checkIntegrity();
  assert.equal(checked.verdict, "damaged");
  assert.ok(checked.findings.length > 0);
  const red = await eventually(async () => {
    const h = await card(app);
    return h.health === "SEVERITY_RED" && h;
  });
  t.diagnostic(`page ${page} zeroed: ${red.headline}`);
  assert.ok(red.conditions.some((c) => c.code === "damage_found"));

  await eventually(() => app.state.readOnly);
  const written = app.state.written;
  const held = app.state.heldBack;
  await eventually(() => app.state.heldBack > held + 1);
  assert.equal(app.state.written, written, "a write went through the fence");
  assert.ok(app.db.prepare("SELECT count(*) FROM notes").pluck().get() > 50, "reads go on");

  const state = await app.calls.getRecoveryState();
  assert.deepEqual([state.damaged, state.writesHeldBack, state.preview.from], [true, true, made.id]);
  const done = await app.calls.attemptRecovery();
  t.diagnostic(`restored from ${done.from} in ${done.durationMs} ms`);
  assert.deepEqual(done.tables.find((x) => x.name === "media").after, 5_000);

  await eventually(() => !app.state.readOnly && app.state.written > written + 20);
  assert.equal(app.db.pragma("integrity_check", { simple: true }), "ok");
  assert.equal(app.db.prepare("SELECT count(*) FROM media").pluck().get(), 5_000);
  await eventually(async () => (await card(app)).health !== "SEVERITY_RED");
  await assert.rejects(app.calls.attemptRecovery(), (e) => e.code === "refused" && !e.dataChanged, "a healthy database was overwritten");
  for (const type of ["integrity.damage_found", "fence.raised", "restore.finished", "fence.lifted"]) assert.ok(events.includes(type), `${type}: ${events}`);
});

test("damage is repaired by itself while the app goes on, newer rows included", async (t) => {
  const path = join(dir, "itself.db");
  fill(path);
  const app = await startApp(path, { binary, everyMs: 5 });
  t.after(() => app.stop());
  const events = [];
  app.officer.on("event", (e) => events.push(e.type));
  await eventually(() => app.state.written > 50);
  assert.ok((await app.calls.createBackup("before the damage")).verified);
  await eventually(() => app.state.written > 150);

  zeroLeaf(app.db, path, "media");
  assert.equal((await app.calls.checkIntegrity()).verdict, "damaged");
  await eventually(() => events.includes("recovery.finished"));
  const written = app.state.written;
  await eventually(() => !app.state.readOnly && app.state.written > written + 20);
  assert.equal(app.db.pragma("integrity_check", { simple: true }), "ok");
  assert.equal(app.db.prepare("SELECT count(*) FROM media").pluck().get(), 5_000, "a row of the destroyed page is gone");
  assert.equal(app.db.prepare("SELECT count(*) FROM notes").pluck().get(), app.state.written, "an acknowledged note is gone");
  await eventually(async () => (await card(app)).health !== "SEVERITY_RED");
});

test("every call answers what can be sent to a page", async (t) => {
  const path = join(dir, "calls.db");
  const app = await startApp(path, { binary });
  t.after(() => app.stop());
  for (const name of Object.keys(app.calls)) {
    const r = await fetch(`${app.url}api/health/${name}`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    const answer = await r.json();
    // Nothing is wrong here, so the twelfth is refused, and says why.
    assert.equal(r.status, name === "attemptRecovery" ? 409 : 200, `${name}: ${JSON.stringify(answer)}`);
    assert.notEqual(answer, null, name);
  }
  const form = await fetch(`${app.url}api/health/createBackup`, { method: "POST", body: "{}" });
  assert.equal(form.status, 415, "a form of another page could order");
  assert.equal((await fetch(`${app.url}api/health/constructor`, { method: "POST", headers: { "content-type": "application/json" } })).status, 404);
});

test("page, card, status and events come from the app's own origin", async (t) => {
  const app = await startApp(join(dir, "page.db"), { binary });
  t.after(() => app.stop());
  const page = await (await fetch(app.url)).text();
  assert.match(page, /<officer-card src="\/officer" variant="banner">/);
  for (const [path, type] of [["officer/", "text/html"], ["officer/officer-card.js", "javascript"], ["officer/v1/status", "application/json"]]) {
    const r = await fetch(app.url + path);
    assert.equal(r.status, 200, path);
    assert.match(r.headers.get("content-type"), new RegExp(type), path);
    await r.arrayBuffer();
  }
  const asset = /src="(assets\/[^"]+)"/.exec(await (await fetch(`${app.url}officer/`)).text())[1];
  assert.equal((await fetch(`${app.url}officer/${asset}`)).status, 200, asset);
  const { id } = (await app.calls.getBackupStats().then((s) => s.newest ?? app.calls.createBackup()));
  const file = Buffer.from(await (await fetch(`${app.url}officer/v1/backups/${id}/download`)).arrayBuffer());
  assert.equal(file.subarray(0, 15).toString(), "SQLite format 3");
  const stream = await fetch(`${app.url}officer/v1/events`, { headers: { "last-event-id": "0" } });
  const { value } = await stream.body.getReader().read();
  assert.match(Buffer.from(value).toString(), /(^|\n)(id|data|event|retry|:)/);
});

test("the app is killed: Officer is gone within a second, with its checkpoint", async (t) => {
  const path = join(dir, "killed.db");
  const child = spawn(process.execPath, [fileURLToPath(new URL("../main.mjs", import.meta.url)), path], {
    env: { ...process.env, OFFICER_BINARY: binary, EVERY_MS: "2" }, stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { officer } = JSON.parse(line);
  await eventually(() => existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 100_000);
  const earlier = slowness();
  child.kill("SIGKILL");
  const since = performance.now();
  await eventually(() => !alive(officer));
  const took = Math.round(performance.now() - since);
  const slow = Math.max(earlier, slowness());
  const wal = existsSync(`${path}-wal`) ? statSync(`${path}-wal`).size : 0;
  t.diagnostic(`gone after ${took} ms, WAL of ${wal} bytes; the machine is ${slow.toFixed(1)} times as slow as usual`);
  assert.ok(took < 1_000 * slow, `${took} ms`);
  assert.equal(wal, 0, "it left without its checkpoint");
  const db = new Database(path);
  assert.equal(db.pragma("integrity_check", { simple: true }), "ok");
  db.close();
});

/** How many times as long as usual this machine takes to start the program three times, at least 1. */
function slowness() {
  let worst = 0;
  for (let i = 0; i < 3; i++) {
    const since = performance.now();
    execFileSync(binary, ["version"]);
    worst = Math.max(worst, performance.now() - since);
  }
  return Math.max(1, worst / 60);
}

/** Whether a process is there; one that nobody buried yet is not. */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc") || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
