// What the main process of an Electron app does: it owns the database, starts Officer beside it, and serves its
// own pages, Officer's card and the twelve calls from one origin. No IPC: in Electron the window loads the
// same address.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import Database from "better-sqlite3";
import { officerMiddleware, OfficerError, onThisMachine, startOfficer } from "@officer-doofy/officer";
import { healthCalls } from "./calls.mjs";

const page = readFileSync(new URL("page.html", import.meta.url));

/** Starts the app on a database file. `binary` is only for development; a shipped app finds its own. */
export async function startApp(path, { home, binary, everyMs = 200 } = {}) {
  const db = open(path); // Officer never creates a database, so the app does first
  const state = { written: 0, heldBack: 0, readOnly: false };
  const officer = await startOfficer({ db: path, home, binary });

  // While Officer holds writes back, every writer gets SQLITE_BUSY. The app says so instead of looking broken.
  officer.on("fence.raised", () => (state.readOnly = true));
  officer.on("fence.lifted", () => (state.readOnly = false));

  const insert = db.prepare("INSERT INTO notes (text) VALUES (?)");
  const writer = setInterval(() => {
    try {
      insert.run(`note at ${new Date().toISOString()}`);
      state.written++;
    } catch (e) {
      if (e.code !== "SQLITE_BUSY") throw e;
      state.heldBack++; // kept by the app and tried again, as it would do with a user's input
    }
  }, everyMs);

  const calls = healthCalls(officer);
  const card = officerMiddleware(officer, { authorize: onThisMachine }); // an app with a login asks that
  const server = http.createServer((request, response) =>
    card(request, response, () => void serve(request, response, { calls, db, state })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    db, state, officer, calls,
    url: `http://127.0.0.1:${server.address().port}/`,
    async stop() {
      clearInterval(writer);
      server.close();
      server.closeAllConnections();
      await officer.stop(); // with its last checkpoint
      db.close();
    },
  };
}

function open(path) {
  const db = new Database(path, { timeout: 100 }); // short: better-sqlite3 blocks its thread while it waits
  db.pragma("journal_mode = WAL");
  db.exec(`CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
           CREATE TABLE IF NOT EXISTS media (id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)`);
  return db;
}

async function serve(request, response, { calls, db, state }) {
  const path = new URL(request.url, "http://app").pathname;
  if (request.method === "GET" && path === "/") return send(response, 200, page, "text/html; charset=utf-8");
  if (request.method === "GET" && path === "/api/notes") {
    return json(response, 200, { ...state, notes: db.prepare("SELECT count(*) AS n FROM notes").get().n });
  }
  const name = path.startsWith("/api/health/") ? path.slice("/api/health/".length) : "";
  if (request.method !== "POST" || !Object.hasOwn(calls, name)) return json(response, 404, { text: "not found" });
  // A page of another origin cannot send this type without asking first, and is refused then.
  if (request.headers["content-type"] !== "application/json") return json(response, 415, { text: "application/json is wanted" });
  try {
    return json(response, 200, await calls[name]());
  } catch (e) {
    if (!(e instanceof OfficerError)) throw e;
    return json(response, 409, { code: e.code, text: e.text, did: e.did, hints: e.hints, dataChanged: e.dataChanged });
  }
}

const json = (response, status, value) => send(response, status, JSON.stringify(value ?? null), "application/json");

function send(response, status, body, type) {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(body);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const app = await startApp(process.argv[2] ?? "archive.db", { everyMs: Number(process.env.EVERY_MS) || 200 });
  console.log(JSON.stringify({ url: app.url, pid: process.pid, officer: app.officer.info.pid }));
  process.once("SIGINT", () => void app.stop());
}
