import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { toJson, type JsonObject, type Message } from "@bufbuild/protobuf";
import { createClient, type OfficerClient } from "./client";
import { OfficerError } from "./errors";
import { watch, type EventOptions } from "./events";
import type { Event } from "./gen/officer/v1/events_pb";
import { registry } from "./registry";
import { Transport, type Endpoint, type Finder } from "./transport";
import { createWork, type Work } from "./work";

/** A way to an Officer that runs: every method, long work, events. */
export class Link {
  /** Every method of the API, as it is. */
  readonly client: OfficerClient;
  /** Long work, each awaited to its end. */
  readonly work: Work;
  /** For the handler of an HTTP server; see officerHandler. */
  readonly find: Finder;
  /** @internal */
  readonly wire: Transport;

  constructor(find: Finder, patienceMs = 0) {
    this.find = find;
    this.wire = new Transport(find, patienceMs);
    this.client = createClient(this.wire);
    this.work = createWork(this.client);
  }

  /** Events as they happen, until the loop is left or the signal fires. A break is mended without a gap. */
  events(options: EventOptions = {}): AsyncIterable<Event> {
    return { [Symbol.asyncIterator]: () => watch(this.wire, options, false) };
  }

  /** Gives the connections back; the Officer goes on. */
  close(): void {
    this.wire.close();
  }
}

/** Where an Officer is that somebody else started. */
export interface ConnectOptions {
  /** The database; its home is `{db}-officer`. */
  db?: string;
  /** The home, where it is not beside the database. */
  home?: string;
  /** The socket or named pipe itself. */
  socket?: string;
  /** http://127.0.0.1:port with `token`. */
  url?: string;
  token?: string;
}

/** Reaches an Officer that somebody else started ("officer run", systemd, another process). */
export async function connectOfficer(options: ConnectOptions): Promise<Link> {
  const endpoint = endpointFor(options);
  const link = new Link(() => Promise.resolve(endpoint));
  try {
    await link.client.getInfo({}, { timeoutMs: 5_000 });
  } catch (e) {
    link.close();
    throw e;
  }
  return link;
}

function endpointFor(o: ConnectOptions): Endpoint {
  if (o.socket) return { socket: o.socket };
  if (o.url) return { url: o.url, token: o.token };
  const home = o.home ?? (o.db ? `${resolve(o.db)}-officer` : undefined);
  if (!home) throw new OfficerError({ code: "invalid", op: "connect", text: "one of db, home, socket and url is needed" });
  try {
    const at = JSON.parse(readFileSync(join(home, "endpoint.json"), "utf8")) as { socket?: string };
    if (at.socket) return { socket: at.socket };
  } catch {
    // Written only while one runs; without it the usual place is tried, and the call says what is wrong.
  }
  return { socket: join(home, "officer.sock") };
}

/** A message as plain JSON: for a browser, a log, a file. 64-bit numbers become strings; nothing is left out. */
export function toPlain(message: Message): JsonObject {
  const schema = registry.getMessage(message.$typeName);
  if (!schema) throw new OfficerError({ code: "invalid", op: "write JSON", text: `${message.$typeName} is no message of Officer's` });
  return toJson(schema, message, { registry, alwaysEmitImplicit: true }) as JsonObject;
}
