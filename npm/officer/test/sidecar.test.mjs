// The client against the program itself: start, calls, events, deaths of either side.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { connectOfficer, findBinary, OfficerError, startOfficer, toPlain } from "@officer-doofy/officer";
import { ControlService, HealthReportSchema, Severity } from "@officer-doofy/officer/proto";
import { alive, binary, database, eventually, folder, slowness, sql } from "./lab.mjs";

async function started(t, options) {
  const officer = await startOfficer({ binary, ...options });
  t.after(() => officer.stop());
  return officer;
}

test("start, ask, back up, list, restore, undo, stop", async (t) => {
  const dir = folder();
  const db = database(dir);
  const officer = await started(t, { db });
  assert.equal(officer.state, "running");
  assert.match(officer.info.version, /^\d+\.\d+\.\d+/);
  assert.ok(alive(officer.info.pid));

  const steps = [];
  const report = await officer.work.backUp({ reason: "a test", force: true, pin: true }, { onProgress: (p) => steps.push(p.stage) });
  assert.equal(report.backup.verdict, "verified");
  assert.equal(report.backup.reason, "a test");
  assert.equal(typeof report.backup.sizeBytes, "bigint");
  assert.match(report.backup.sha256, /^[0-9a-f]{64}$/);

  const { backups } = await officer.client.listBackups();
  assert.ok(backups.some((b) => b.id === report.backup.id && b.pinned && b.sha256 === report.backup.sha256));
  const health = await officer.client.getHealth();
  assert.equal(health.health, Severity.GREEN);
  assert.equal(health.$typeName, HealthReportSchema.typeName);
  const plain = toPlain(health);
  assert.equal(plain.health, "SEVERITY_GREEN");
  assert.doesNotThrow(() => JSON.stringify(toPlain(report)));

  sql(db, "DELETE FROM t WHERE id > 10");
  const preview = await officer.work.restore({ id: report.backup.id, dryRun: true });
  assert.deepEqual(preview.tables.map((x) => [x.name, x.rowsBefore, x.rowsAfter]), [["t", 10n, 1000n]]);
  await assert.rejects(officer.work.restore({ id: report.backup.id }), (e) =>
    e instanceof OfficerError && e.code === "refused" && e.dataChanged === false && e.hints.length > 0 && e.did !== "");
  assert.equal(sql(db, "SELECT count(*) FROM t"), "10");
  await officer.work.restore({ id: report.backup.id, confirmed: true });
  assert.equal(sql(db, "SELECT count(*) FROM t"), "1000");
  await officer.work.undo({ confirmed: true });
  assert.equal(sql(db, "SELECT count(*) FROM t"), "10");
  assert.equal((await officer.work.check()).verdict, "ok");

  const pid = officer.info.pid;
  await officer.stop();
  assert.equal(officer.state, "stopped");
  assert.ok(!alive(pid));
  assert.ok(!existsSync(`${db}-wal`) || statSync(`${db}-wal`).size === 0, "it left without its checkpoint");
  await assert.rejects(officer.client.getHealth(), (e) => e.code === "stopped");
});

test("what cannot start says why", async (t) => {
  const dir = folder();
  const db = database(dir);
  const code = async (options) => startOfficer({ binary, ...options }).then((o) => o.stop().then(() => "started"), (e) => {
    assert.ok(e instanceof OfficerError, String(e));
    assert.ok(e.text && e.did, "it says what happened and what was done");
    return e.code;
  });
  assert.equal(await code({ db, binary: join(dir, "none") }), "no_binary");
  writeFileSync(join(dir, "text"), "no program");
  assert.equal(await code({ db, binary: join(dir, "text") }), "start_failed");
  assert.equal(await code({ db: "" }), "usage");
  assert.equal(await code({ db: dir }), "invalid");
  assert.equal(await code({ db: join(dir, "none.db") }), "missing");
  const officer = await started(t, { db });
  await assert.rejects(startOfficer({ db, binary }), (e) => {
    assert.deepEqual([e.code, e.exitCode], ["locked", 10]);
    assert.match(e.text, new RegExp(String(officer.info.pid)));
    return true;
  });
  const named = process.env.OFFICER_BINARY;
  process.env.OFFICER_BINARY = join(dir, "none");
  assert.throws(() => findBinary(), (e) => e.code === "no_binary" && e.hints.length > 0);
  if (named === undefined) delete process.env.OFFICER_BINARY;
  else process.env.OFFICER_BINARY = named;
});

test("an Officer that dies is started again; calls wait, events miss nothing", async (t) => {
  const db = database(folder());
  const heard = [];
  const states = [];
  const officer = await started(t, { db, onEvent: (e) => e.sequence > 0n && heard.push(e) });
  officer.on("state", (state, error) => states.push([state, error?.code]));
  await eventually(() => heard.some((e) => e.type === "backup.verified"));
  const first = officer.info.pid;
  process.kill(first, "SIGKILL");
  const info = await officer.client.getInfo(); // asked while nobody is there
  assert.notEqual(Number(info.pid), first);
  assert.equal(officer.info.pid, Number(info.pid));
  assert.deepEqual(states, [["restarting", "start_failed"], ["running", undefined]]);
  await officer.work.backUp({ force: true });
  await eventually(() => heard.filter((e) => e.type === "officer.started").length === 2 && heard.at(-1).type !== "officer.started");
  heard.forEach((e, i) => i > 0 && assert.equal(e.sequence, heard[i - 1].sequence + 1n, "a gap, or one twice"));

  const typed = [];
  officer.on("backup.verified", (e) => typed.push(e.body.value.backup.reason));
  const rest = [];
  for await (const e of officer.events({ types: ["backup.*"], after: 0n, signal: AbortSignal.timeout(120_000) })) {
    rest.push(e.type);
    if (rest.length === 1) await officer.work.backUp({ force: true, reason: "another" });
    if (e.body.case === "backupTaken" && e.body.value.backup.reason === "another") break;
  }
  assert.ok(rest.every((x) => x.startsWith("backup.")), rest.join());
  await eventually(() => typed.includes("another"));
});

test("restart: false leaves a dead one dead", async (t) => {
  const officer = await started(t, { db: database(folder()), restart: false });
  const failed = once(officer, "state");
  const hold = setInterval(() => undefined, 1_000);
  process.kill(officer.info.pid, "SIGKILL");
  const [state, error] = await failed;
  clearInterval(hold);
  assert.deepEqual([state, error.code, officer.state], ["failed", "start_failed", "failed"]);
  await assert.rejects(officer.client.getHealth(), (e) => e.code === "start_failed");
});

test("work can be cancelled, and a call has its deadline", async (t) => {
  const officer = await started(t, { db: database(folder(), "large.db", 200_000) });
  await eventually(async () => (await officer.client.listBackups()).backups.length > 0);
  const cancelled = async () => {
    const cancel = new AbortController();
    return officer.work.check({ sqlite: true }, { signal: cancel.signal, onProgress: () => cancel.abort() }).then(
      () => false,
      (e) => {
        assert.ok(e instanceof OfficerError && ["interrupted", "cancelled"].includes(e.code), e);
        return true;
      },
    );
  };
  let tries = 1; // a check that is over before it hears of it gives its report
  while (!(await cancelled())) assert.ok(++tries <= 50, "none of 50 checks was cancelled");
  const { operations } = await officer.client.listOperations();
  assert.ok(operations.every((o) => o.state !== "running"), "something runs on");
  await assert.rejects(
    async () => {
      for await (const _ of officer.client.watch({}, { timeoutMs: 50 }));
    },
    (e) => e.code === "timeout",
  );
  await assert.rejects(officer.client.getHealth({}, { signal: AbortSignal.abort() }), (e) => e.code === "cancelled");
});

test("several databases, each with its events", async (t) => {
  const dir = folder();
  const heard = new Map();
  const officer = await started(t, {
    db: [database(dir, "a.db"), database(dir, "b.db"), join(dir, "none.db")],
    onEvent: (e) => heard.set(e.database, [...(heard.get(e.database) ?? []), e.type]),
  });
  const { databases } = await officer.client.listDatabases();
  assert.deepEqual(databases.map((d) => d.name).sort(), ["a", "b"]);
  await eventually(() => ["a", "b"].every((n) => heard.get(n)?.includes("backup.verified")));
  assert.deepEqual(officer.info.databases.map((d) => d.name), ["a", "b"]);
  assert.deepEqual(officer.info.problems.map((p) => [p.path, p.error.code]), [[join(dir, "none.db"), "missing"]]);
  await assert.rejects(officer.client.getStatus({ database: "c" }), (e) => e.code === "unknown_database");
});

test("one that somebody else started is reached", async (t) => {
  const dir = folder();
  const db = database(dir);
  await assert.rejects(connectOfficer({ db }), (e) => e.code === "no_officer");
  const officer = await started(t, { db });
  for (const options of [{ db }, { home: `${db}-officer` }, { socket: officer.info.socket }]) {
    const link = await connectOfficer(options);
    assert.equal(Number((await link.client.getInfo()).pid), officer.info.pid);
    link.close();
  }
});

/** A script that starts Officer and says so, as a process of its own. */
function parent(t, db, then) {
  const module = new URL("../dist/index.mjs", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", `
    import { startOfficer } from ${JSON.stringify(module)};
    const officer = await startOfficer({ db: ${JSON.stringify(db)}, binary: ${JSON.stringify(binary)} });
    console.log(officer.info.pid);
    ${then}`], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

const firstLine = async (child) => (await once(createInterface({ input: child.stdout }), "line"))[0];

test("killed with its parent: gone within a second", async (t) => {
  const child = parent(t, database(folder()), "setInterval(() => undefined, 1_000);");
  const pid = Number(await firstLine(child));
  assert.ok(alive(pid));
  const earlier = slowness();
  child.kill("SIGKILL");
  const since = performance.now();
  await eventually(() => !alive(pid));
  const took = performance.now() - since;
  const slow = Math.max(earlier, slowness());
  t.diagnostic(`gone after ${took.toFixed(0)} ms; the machine is ${slow.toFixed(1)} times as slow as usual`);
  assert.ok(took < 1_000 * slow, `${took} ms`);
});

test("it keeps no process alive", async (t) => {
  const child = parent(t, database(folder()), "await officer.client.getHealth();");
  const pid = Number(await firstLine(child));
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
  await eventually(() => !alive(pid));
});

test("require and import give the same classes", async () => {
  const required = createRequire(import.meta.url)("@officer-doofy/officer");
  assert.equal(required.OfficerError, OfficerError);
  assert.equal(createRequire(import.meta.url)("@officer-doofy/officer/proto").ControlService, ControlService);
});
