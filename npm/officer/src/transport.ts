// The Connect protocol (https://connectrpc.com/docs/protocol) over node:http, to a unix socket, a
// named pipe or TCP: unary calls and server streams, in protobuf, are all that Officer's API has.
import * as http from "node:http";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from "@bufbuild/protobuf";
import { fromConnect, OfficerError, type ConnectErrorBody } from "./errors";

/** Where an Officer answers. */
export interface Endpoint {
  /** A unix socket or a named pipe. */
  socket?: string | undefined;
  /** http://127.0.0.1:port, where there is no socket. */
  url?: string | undefined;
  /** For TCP. */
  token?: string | undefined;
}

/** How a call is made. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Give up after this; without it a call may take as long as it takes. */
  timeoutMs?: number | undefined;
}

/** Gives the endpoint of now; waits while Officer starts. */
export type Finder = (signal?: AbortSignal) => Promise<Endpoint>;

/** Methods that change nothing. */
export const looks = /^(Get|List|Watch|Explain|MayImport)/;

const answerBytesMax = 64 << 20; // as Officer's own client
const lookAgainMs = 50;
const flagEnd = 2;
const flagCompressed = 1;

export class Transport {
  // Officer closes idle connections after two minutes; they are not used that long.
  private readonly agent = new http.Agent({ keepAlive: true, maxFreeSockets: 2, timeout: 60_000 });

  /** `patienceMs`: how long a call looks for an Officer that answers nobody, as while it is being started again. */
  constructor(private readonly find: Finder, private readonly patienceMs = 0) {}

  /** Gives the connections back. */
  close(): void {
    this.agent.destroy();
  }

  /** One request, one answer. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O }, input: MessageShape<I>, options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const limits = within(options);
    const until = performance.now() + this.patienceMs;
    const data = toBinary(method.input, input);
    try {
      for (;;) {
        try {
          const response = await this.post(method, "application/proto", data, limits.signal);
          const body = await gather(response, limits.signal);
          if (response.statusCode !== 200) throw refusal(response, body, method.name);
          return decode(method, body);
        } catch (e) {
          // Asking twice does no harm; ordering twice might.
          const again = looks.test(method.name) && e instanceof OfficerError && e.code === "connection_lost" && performance.now() < until;
          if (!again || limits.signal.aborted) throw e;
        }
      }
    } catch (e) {
      throw limits.explain(e, method.name);
    } finally {
      limits.clear();
    }
  }

  /**
   * One request, many answers. With `background` the stream does not keep the process alive.
   * `opened` is called once the other side listens: nothing that happens later is missed.
   */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { input: I; output: O }, input: MessageShape<I>,
    options: CallOptions & { background?: boolean; opened?: () => void } = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const limits = within(options);
    let response: http.IncomingMessage | undefined;
    try {
      const body = envelope(toBinary(method.input, input));
      response = await this.post(method, "application/connect+proto", body, limits.signal, options.background);
      if (response.statusCode !== 200) throw refusal(response, await gather(response, limits.signal), method.name);
      options.opened?.();
      for await (const frame of frames(response)) {
        if (frame.flags & flagCompressed) throw malformed(method.name);
        if (frame.flags & flagEnd) {
          const wrong = trailer(frame.data, method.name).error;
          if (wrong) throw fromConnect(wrong, method.name);
          return;
        }
        yield decode(method, frame.data);
      }
      throw lost(method.name);
    } catch (e) {
      throw limits.explain(e, method.name);
    } finally {
      response?.destroy();
      limits.clear();
    }
  }

  private async post(
    method: DescMethod, type: string, body: Uint8Array, signal: AbortSignal, background = false,
  ): Promise<http.IncomingMessage> {
    const until = performance.now() + this.patienceMs;
    for (;;) {
      try {
        return await this.once(await this.find(signal), method, type, body, signal, background);
      } catch (e) {
        if (!(e instanceof OfficerError) || e.code !== "no_officer" || signal.aborted || performance.now() > until) throw e;
      }
      await pause(lookAgainMs, undefined, { signal, ref: !background });
    }
  }

  private once(
    endpoint: Endpoint, method: DescMethod, type: string, body: Uint8Array, signal: AbortSignal, background: boolean,
  ): Promise<http.IncomingMessage> {
    const headers: http.OutgoingHttpHeaders = {
      "content-type": type, "content-length": body.byteLength, "connect-protocol-version": "1", "user-agent": "officer-node",
    };
    if (endpoint.token) headers["authorization"] = `Bearer ${endpoint.token}`;
    const path = `/${method.parent.typeName}/${method.name}`;
    return new Promise((resolve, reject) => {
      const request = http.request({ ...address(endpoint), path, method: "POST", headers, agent: this.agent, signal });
      // While nothing was sent, nothing can have been done.
      let sent = false;
      request.once("socket", (s: Socket) => {
        if (background) s.unref();
        else s.ref();
        if (s.connecting) s.once("connect", () => (sent = true));
        else sent = true;
      });
      request.once("error", (e) => reject(sent ? lost(method.name, e) : nobody(method.name, e)));
      request.once("response", resolve);
      request.end(body);
    });
  }
}

/** What http.request needs to reach an endpoint. */
export function address(endpoint: Endpoint): http.RequestOptions {
  if (endpoint.socket) return { socketPath: endpoint.socket, host: "officer", setHost: true };
  if (!endpoint.url) throw new OfficerError({ code: "no_officer", text: "it is not known where Officer answers" });
  const url = new URL(endpoint.url);
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: url.port || 80 };
}

interface Limits {
  signal: AbortSignal;
  clear(): void;
  explain(e: unknown, op: string): unknown;
}

/** One signal for the caller's and the deadline, and which of them it was. */
function within(options: CallOptions): Limits {
  const control = new AbortController();
  const late = new Error("too late");
  const leave = () => control.abort(options.signal?.reason);
  if (options.signal?.aborted) leave();
  else options.signal?.addEventListener("abort", leave, { once: true });
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => control.abort(late), options.timeoutMs);
  return {
    signal: control.signal,
    clear() {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", leave);
    },
    explain(e, op) {
      // What node says of a connection that broke in the middle of an answer.
      if (!control.signal.aborted && !(e instanceof OfficerError)) return lost(op, e);
      if (!control.signal.aborted || (e instanceof OfficerError && e.code !== "connection_lost" && e.code !== "no_officer")) return e;
      const did = "It is not known how far the request came; long work goes on unless it is cancelled.";
      if (control.signal.reason === late) {
        return new OfficerError({ code: "timeout", op, text: `Officer did not answer within ${options.timeoutMs} ms`, did, cause: e });
      }
      return new OfficerError({ code: "cancelled", op, text: "the call was given up", did, cause: e });
    },
  };
}

function decode<O extends DescMessage>(method: DescMethod & { output: O }, data: Buffer): MessageShape<O> {
  try {
    return fromBinary(method.output, data);
  } catch (cause) {
    throw malformed(method.name, cause);
  }
}

/** The last frame of a stream. */
function trailer(data: Buffer, op: string): { error?: ConnectErrorBody } {
  try {
    return JSON.parse(data.toString("utf8") || "{}") as { error?: ConnectErrorBody };
  } catch (cause) {
    throw malformed(op, cause);
  }
}

function envelope(data: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(data.byteLength, 1);
  return Buffer.concat([head, data]);
}

/** Cuts a body into the frames of the Connect protocol. */
export async function* frames(body: AsyncIterable<Buffer>): AsyncGenerator<{ flags: number; data: Buffer }, void, undefined> {
  let parts: Buffer[] = [];
  let have = 0;
  let need = 5;
  for await (const chunk of body) {
    parts.push(chunk);
    have += chunk.length;
    while (have >= need) {
      const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
      parts = [all];
      need = 5 + all.readUInt32BE(1);
      if (need > answerBytesMax) throw tooLarge();
      if (have < need) break;
      yield { flags: all[0]!, data: all.subarray(5, need) };
      parts = [all.subarray(need)];
      have -= need;
      need = 5;
    }
  }
}

async function gather(body: http.IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > answerBytesMax) {
        body.destroy();
        throw tooLarge();
      }
      chunks.push(chunk);
    }
  } catch (e) {
    if (e instanceof OfficerError || signal.aborted) throw e;
    throw lost("", e);
  }
  return Buffer.concat(chunks);
}

function refusal(response: http.IncomingMessage, body: Buffer, op: string): OfficerError {
  try {
    return fromConnect(JSON.parse(body.toString("utf8")) as ConnectErrorBody, op);
  } catch {
    return new OfficerError({ code: "refused", op, text: `Officer answered with HTTP status ${response.statusCode}` });
  }
}

function nobody(op: string, cause: unknown): OfficerError {
  return new OfficerError({ code: "no_officer", op, text: "no Officer answers there", cause });
}

function lost(op: string, cause?: unknown): OfficerError {
  return new OfficerError({
    code: "connection_lost", op, text: "Officer went away before it had answered", cause,
    did: "It is not known how far the request came.",
  });
}

function malformed(op: string, cause?: unknown): OfficerError {
  return new OfficerError({ code: "internal", op, text: "Officer answered in a form that was not asked for", cause });
}

function tooLarge(): OfficerError {
  return new OfficerError({ code: "too_large", text: "Officer's answer is larger than 64 MB" });
}
