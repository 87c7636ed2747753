// The door: what is let through, to whom, and what is left behind. Behind it stands a server
// that only notes what it was asked.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { officerMiddleware, onThisMachine } from "@officer-doofy/officer";

const dir = mkdtempSync(join(tmpdir(), "om-"));
const socket = join(dir, "s");
const seen = [];
let upstream;

before(async () => {
  upstream = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (c) => chunks.push(c));
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
      if (request.url === "/v1/events") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: {}\n\n");
        request.socket.once("close", () => seen.push("stream closed"));
        return;
      }
      response.writeHead(200, { "content-type": "application/json", "content-security-policy": "default-src 'self'", "set-cookie": "officer=1" });
      response.end("{}");
    });
  });
  upstream.listen(socket);
  await once(upstream, "listening");
});
after(() => {
  upstream.close();
  upstream.closeAllConnections();
  rmSync(dir, { recursive: true });
});

/** An app with the door mounted, and a way to ask it as anybody. */
async function app(t, options, wrap = mounted) {
  const server = http.createServer(wrap(officerMiddleware({ find: async () => ({ socket }) }, { authorize: onThisMachine, ...options })));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const port = server.address().port;
  return (path, { method = "GET", headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const request = http.request({ port, path, method, agent: false, headers: { host: `localhost:${port}`, ...headers } }, (response) => {
        let text = "";
        response.on("data", (c) => (text += c));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
    });
}

const mounted = (door) => (request, response) =>
  door(request, response, () => {
    response.statusCode = 418;
    response.end("the app's");
  });

const call = (name, more = {}) => [
  `/officer/officer.v1.ControlService/${name}`,
  { method: "POST", headers: { "content-type": "application/json" }, body: "{}", ...more },
];

test("the page's own requests pass, without the app's credentials", async (t) => {
  const ask = await app(t);
  seen.length = 0;
  const headers = {
    "content-type": "application/json", "sec-fetch-site": "same-origin", cookie: "app=secret", authorization: "Basic secret",
    "x-forwarded-for": "192.0.2.1",
  };
  const r = await ask(...call("BackUp", { headers, body: '{"reason":"x"}' }));
  assert.equal(r.status, 200);
  assert.equal(r.headers["content-security-policy"], "default-src 'self'");
  assert.equal(r.headers["set-cookie"], undefined);
  const [at] = seen;
  assert.deepEqual([at.method, at.url, at.body], ["POST", "/officer.v1.ControlService/BackUp", '{"reason":"x"}']);
  for (const name of ["cookie", "authorization", "x-forwarded-for", "origin", "sec-fetch-site"]) assert.equal(at.headers[name], undefined, name);
  assert.equal(at.headers.host, "officer");
});

describe("strangers", () => {
  for (const [name, headers] of Object.entries({
    "a name that points here (DNS rebinding)": { host: "evil.example:80" },
    "a loopback look-alike": { host: "localhost.evil.example" },
    "a name that is none": { host: "-" },
    "another site": { "sec-fetch-site": "cross-site" },
    "another port of this machine": { "sec-fetch-site": "same-site" },
    "another origin, old browser": { origin: "http://evil.example" },
    "a file or sandbox": { origin: "null" },
  })) {
    test(`${name} is refused`, async (t) => {
      const ask = await app(t);
      seen.length = 0;
      for (const [path, more] of [["/officer/", {}], ["/officer/v1/status", {}], call("GetStatus"), call("Restore")]) {
        const r = await ask(path, { ...more, headers: { ...more.headers, ...headers } });
        assert.equal(r.status, 403, path);
      }
      assert.equal(seen.length, 0, "something reached Officer");
    });
  }

  test("a link from nowhere may open the page, a form from nowhere may not order", async (t) => {
    const ask = await app(t);
    assert.equal((await ask("/officer/", { headers: { "sec-fetch-site": "none" } })).status, 200);
    assert.equal((await ask(...call("Restore", { headers: { "sec-fetch-site": "none" } }))).status, 403);
  });
});

test("only what a page needs is there", async (t) => {
  const ask = await app(t);
  for (const path of [
    "/officer/", "/officer/officer-card.js", "/officer/assets/1f/js/main.js", "/officer/v1/status", "/officer/v1/status?database=a",
    "/officer/v1/backups/20261126T114833Z-2/download", "/officer/health",
  ]) {
    assert.equal((await ask(path)).status, 200, path);
  }
  for (const path of [
    "/officer/metrics", "/officer/login", "/officer/v1/backups/../../etc/passwd/download", "/officer/v1/backups/%2e%2e/download",
    "/officer/assets/../v1/x", "/officer/debug/pprof/", "/officer/officer.v1.ControlService/", "/officer/officer.v1.ControlService/Nope",
    "/officer//evil",
  ]) {
    assert.equal((await ask(path)).status, 404, path);
  }
  for (const name of ["Call", "Stop", "OpenDashboard"]) assert.equal((await ask(...call(name))).status, 403, name);
  assert.equal((await ask("/officer/officer.v1.ControlService/BackUp")).status, 405, "a GET orders nothing");
  assert.equal((await ask("/officer/v1/status", { method: "DELETE" })).status, 405);
});

test("readOnly leaves what looks", async (t) => {
  const ask = await app(t, { readOnly: true });
  for (const name of ["GetStatus", "ListBackups", "Watch", "Explain", "MayImport"]) assert.equal((await ask(...call(name))).status, 200, name);
  for (const name of ["BackUp", "Restore", "Undo", "Pin", "ReportMetric", "CancelOperation", "ReloadConfig"]) {
    assert.equal((await ask(...call(name))).status, 403, name);
  }
  assert.equal((await ask("/officer/v1/backups/20261126T114833Z/download")).status, 403);
});

test("hosts and authorize open the door further, and close it", async (t) => {
  let answer = true;
  const ask = await app(t, { hosts: ["app.example"], authorize: async (request) => answer && request.headers["x-user"] === "ada" });
  const from = (user) => ({ headers: { host: "APP.example:8443", "x-user": user } });
  assert.equal((await ask("/officer/v1/status", from("ada"))).status, 200);
  assert.equal((await ask("/officer/v1/status", from("eve"))).status, 403);
  answer = undefined;
  assert.equal((await ask("/officer/v1/status", from("ada"))).status, 403, "only true lets in");
});

test("who may is never left open", () => {
  for (const options of [undefined, {}, { authorize: true }]) {
    assert.throws(() => officerMiddleware({ find: async () => ({ socket }) }, options), (e) => e.code === "usage" && e.hints.length === 2);
  }
  for (const [address, may] of [["127.0.0.1", true], ["127.8.9.1", true], ["::1", true], ["::ffff:127.0.0.1", true], ["10.0.0.7", false], ["::ffff:10.0.0.7", false], [undefined, false]]) {
    assert.equal(onThisMachine({ socket: { remoteAddress: address } }), may, address);
  }
});

test("what throws in authorize lets nobody in", async (t) => {
  const ask = await app(t, {
    authorize: () => {
      throw new Error("a secret of the app");
    },
  });
  const r = await ask("/officer/v1/status");
  assert.equal(r.status, 502);
  assert.doesNotMatch(r.text, /secret/);
});

test("other paths are the app's", async (t) => {
  const ask = await app(t);
  for (const path of ["/", "/officers", "/officer.js", "/x/officer/"]) assert.equal((await ask(path)).status, 418, path);
  const r = await ask("/officer?x=1");
  assert.deepEqual([r.status, r.headers.location], [308, "./officer/"]);
});

test("a server that cuts the mount off, as Express does", async (t) => {
  const ask = await app(t, {}, (door) => (request, response) => {
    request.originalUrl = request.url;
    request.baseUrl = "/settings/health";
    request.url = request.url.slice(request.baseUrl.length) || "/";
    door(request, response);
  });
  seen.length = 0;
  assert.equal((await ask("/settings/health/v1/status?database=b")).status, 200);
  assert.equal(seen[0].url, "/v1/status?database=b");
  const r = await ask("/settings/health");
  assert.deepEqual([r.status, r.headers.location], [308, "./health/"]);
});

test("a large body is refused, announced or not", async (t) => {
  const ask = await app(t);
  seen.length = 0;
  const large = Buffer.alloc((1 << 20) + 1, " ");
  const [path, more] = call("BackUp");
  for (const headers of [more.headers, { ...more.headers, "transfer-encoding": "chunked" }]) {
    // The answer may come before all was sent, and the connection end with it.
    const r = await ask(path, { ...more, headers, body: large }).catch((e) => e);
    assert.ok(r.status === 413 || ["EPIPE", "ECONNRESET"].includes(r.code), String(r.status ?? r.code));
  }
  assert.equal(seen.length, 0);
});

/** Waits for something that is about to happen. */
async function eventually(what, withinMs = 120_000) {
  for (const until = Date.now() + withinMs; !what(); await new Promise(setImmediate)) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
  }
}

test("a stream goes on until the page leaves, and ends then", async (t) => {
  const server = http.createServer(officerMiddleware({ find: async () => ({ socket }) }, { authorize: onThisMachine }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  seen.length = 0;
  const request = http.get({ port: server.address().port, path: "/officer/v1/events", headers: { host: "127.0.0.1", "last-event-id": "7" } });
  const [response] = await once(request, "response");
  const [first] = await once(response, "data");
  assert.equal(first.toString(), "data: {}\n\n");
  assert.equal(seen[0].headers["last-event-id"], "7");
  response.on("error", () => undefined);
  request.destroy();
  await eventually(() => seen.includes("stream closed"));
});

test("an Officer that is gone is 503", async (t) => {
  const server = http.createServer(officerMiddleware({ find: async () => ({ socket: join(dir, "nobody") }) }, { authorize: onThisMachine }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  assert.equal((await fetch(`http://127.0.0.1:${server.address().port}/officer/v1/status`)).status, 503);
});
