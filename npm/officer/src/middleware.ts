// Officer's page, card and API under a path of the app's own HTTP server, so that the app's pages need
// neither a token nor another port. Whoever passes this door has the rights of the socket, so
// the door keeps the checks that Officer's own TCP port has.
import * as http from "node:http";
import { pipeline } from "node:stream";
import { ControlService } from "./gen/officer/v1/control_pb";
import { OfficerError } from "./errors";
import { address, looks, type Finder } from "./transport";

/** What is let through, and to whom. */
export interface MiddlewareOptions {
  /** Where it is mounted when the server itself does not cut that off; left out: "/officer". */
  mount?: string | undefined;
  /**
   * Names under which the app's own pages are reached, without port; loopback names are always right. Any
   * other `Host` is refused: a stranger's name that points at this machine would be of the same origin.
   */
  hosts?: readonly string[] | undefined;
  /**
   * Who may: the app's own login, or onThisMachine. Whatever is not `true` is answered with 403. It has no default, since who
   * passes may restore and download: on a machine with several users, each of them reaches a port of the loopback.
   */
  authorize: (request: http.IncomingMessage) => boolean | Promise<boolean>;
  /** Look only: no backup, restore, check or download through here. */
  readOnly?: boolean | undefined;
}

/** A handler for http.createServer, connect and Express. */
export type Middleware = (request: http.IncomingMessage, response: http.ServerResponse, next?: (error?: unknown) => void) => void;

const bodyBytesMax = 1 << 20; // as Officer's own
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

/** Methods that only the socket's owner may call, and none of them is for a page. */
const closed = new Set(["Call", "OpenDashboard", "Stop"]);
/** Everything else that a page needs: itself, its assets, status, events, a backup. */
const files = /^\/(?:|[\w-]+(?:\.[\w-]+)*\.(?:js|css|svg|png|ico|woff2|html|webmanifest)|(?:assets|static)\/[\w./-]+|health|livez|readyz|v1\/status|v1\/events)$/;
const download = /^\/v1\/backups\/[\w.-]+\/download$/;

/** Serves page, card, events and API of an Officer below `mount`. */
export function officerMiddleware(officer: { readonly find: Finder }, options: MiddlewareOptions): Middleware {
  if (typeof options?.authorize !== "function") {
    throw new OfficerError({
      code: "usage", op: "mount Officer", text: "officerMiddleware has to be told who may pass",
      hints: ["authorize: (request) => isAdmin(request)", "authorize: onThisMachine"],
    });
  }
  const mount = (options.mount ?? "/officer").replace(/\/+$/, "");
  return (request, response, next) => {
    const path = inside(request, mount);
    if (path === undefined) {
      if (next) next();
      else refuse(response, 404, "not found");
      return;
    }
    void pass(officer.find, options, path, request, response).catch((e: unknown) => {
      const unreachable = e instanceof OfficerError && (e.code === "no_officer" || e.code === "stopped");
      refuse(response, unreachable ? 503 : 502, e instanceof OfficerError ? e.text : "Officer cannot be reached");
    });
  };
}

/** The path below the mount, "" for the mount itself, undefined when it is somewhere else. */
function inside(request: http.IncomingMessage, mount: string): string | undefined {
  const url = request.url ?? "/";
  const cut = (request as { baseUrl?: string }).baseUrl; // Express cuts its mount off
  if (cut) return (request as { originalUrl?: string }).originalUrl === cut ? "" : url;
  if (mount === "") return url;
  if (url === mount || url.startsWith(`${mount}?`)) return "";
  return url.startsWith(`${mount}/`) ? url.slice(mount.length) : undefined;
}

async function pass(
  find: Finder, options: MiddlewareOptions, target: string, request: http.IncomingMessage, response: http.ServerResponse,
): Promise<void> {
  const refusal = stranger(request, options.hosts ?? []) ?? foreignPage(request);
  if (refusal) return refuse(response, 403, refusal);
  if ((await options.authorize(request)) !== true) return refuse(response, 403, "not allowed");
  if (target === "") {
    // The page names what it loads relative to itself.
    const own = ((request as { originalUrl?: string }).originalUrl ?? request.url ?? "").split("?")[0]!.split("/").pop()!;
    response.writeHead(308, { location: `./${own}/` });
    response.end();
    return;
  }
  const path = target.split("?")[0]!;
  const wrong = unwanted(request.method ?? "GET", path, options.readOnly === true);
  if (wrong) return refuse(response, wrong, wrong === 404 ? "not found" : "not through here");
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) return refuse(response, 413, "too large");
  await relay(await find(), target, request, response);
}

/** A Host that is not the app's own: DNS rebinding. */
function stranger(request: http.IncomingMessage, hosts: readonly string[]): string | undefined {
  const name = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  if (loopbackNames.includes(name) || hosts.some((h) => h.toLowerCase() === name)) return undefined;
  return "this host name is not let through: name it in the option hosts";
}

/**
 * A page of another origin. Browsers say where a request comes from (Sec-Fetch-Site; Origin where that is
 * missing); programs say nothing and are no browser that could be abused. Another port or
 * sub-domain is "same-site", and a stranger all the same.
 */
function foreignPage(request: http.IncomingMessage): string | undefined {
  const site = request.headers["sec-fetch-site"];
  const origin = request.headers.origin;
  const safe = request.method === "GET" || request.method === "HEAD";
  if (site !== undefined) {
    if (site === "same-origin" || (safe && site === "none")) return undefined;
    return "this page is of another origin";
  }
  if (origin === undefined) return undefined;
  try {
    if (new URL(origin).host === request.headers.host) return undefined;
  } catch {
    // "null" and worse
  }
  return "this page is of another origin";
}

/** For `authorize`: every process of this machine, of whatever user, and nobody else. */
export function onThisMachine(request: http.IncomingMessage): boolean {
  const from = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return from === "::1" || from.startsWith("127.");
}

/** The status that a request is refused with, undefined when it may pass. */
function unwanted(method: string, path: string, readOnly: boolean): number | undefined {
  const prefix = `/${ControlService.typeName}/`;
  if (path.startsWith(prefix)) {
    const name = path.slice(prefix.length);
    if (!ControlService.methods.some((m) => m.name === name)) return 404;
    if (method !== "POST") return 405;
    return closed.has(name) || (readOnly && !looks.test(name)) ? 403 : undefined;
  }
  if (method !== "GET" && method !== "HEAD") return 405;
  if (path.includes("..")) return 404;
  if (download.test(path)) return readOnly ? 403 : undefined;
  return files.test(path) ? undefined : 404;
}

/** Headers that go on; credentials of the app and what belongs to one connection do not. */
const requestHeaders = [
  "accept", "accept-encoding", "accept-language", "connect-protocol-version", "connect-timeout-ms", "connect-accept-encoding",
  "content-encoding", "content-type", "if-modified-since", "if-none-match", "last-event-id", "range",
];
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "set-cookie", "transfer-encoding", "upgrade"]);

async function relay(
  endpoint: Awaited<ReturnType<Finder>>, target: string, request: http.IncomingMessage, response: http.ServerResponse,
): Promise<void> {
  const headers: http.OutgoingHttpHeaders = {};
  for (const name of requestHeaders) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  if (endpoint.token) headers["authorization"] = `Bearer ${endpoint.token}`;
  const body = await bounded(request);
  if (body === undefined) return refuse(response, 413, "too large");
  if (body.length > 0 || request.method === "POST") headers["content-length"] = body.length;
  await new Promise<void>((resolve, reject) => {
    const upstream = http.request({ ...address(endpoint), path: target, method: request.method, headers, agent: false });
    const leave = () => upstream.destroy();
    response.once("close", leave); // a page that leaves ends its stream of events
    upstream.once("error", (e) => {
      if (response.headersSent) response.destroy();
      else if (response.destroyed) resolve();
      else reject(new OfficerError({ code: "no_officer", text: "no Officer answers", cause: e }));
    });
    upstream.once("response", (answer) => {
      for (const [name, value] of Object.entries(answer.headers)) {
        if (value !== undefined && !hopByHop.has(name)) response.setHeader(name, value);
      }
      response.writeHead(answer.statusCode ?? 502);
      response.flushHeaders();
      pipeline(answer, response, () => resolve());
    });
    upstream.end(body);
  });
}

/** The whole body; undefined when it is too large. A parser before this handler may have taken it. */
async function bounded(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  const parsed = (request as { body?: unknown }).body;
  if (size === 0 && parsed !== undefined && request.headers["content-type"]?.startsWith("application/json")) {
    return Buffer.from(JSON.stringify(parsed));
  }
  return Buffer.concat(chunks);
}

function refuse(response: http.ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${text}\n`);
}
