// One run of the binary: from its start to the line "ready", to its end.
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { OfficerError } from "./errors";
import type { Endpoint } from "./transport";

/** What the binary says of itself once it answers. */
export interface Ready {
  version: string;
  pid: number;
  socket: string;
  /** Of the TCP port, empty without `listen`. */
  url: string;
  tokenFile: string;
  /** What is looked after. */
  databases: { name: string; path: string; home: string }[];
  /** Of several databases, those that could not be taken on, and why. */
  problems: { path: string; error: OfficerError }[];
}

/** How a run ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What the binary said of it. */
  error: OfficerError;
}

export interface Command {
  binary: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv | undefined;
  onStderr?: ((line: string) => void) | undefined;
}

const stderrKept = 8 << 10;

export class Run {
  readonly ready: Promise<Ready>;
  readonly exited: Promise<Exit>;
  private readonly child: ChildProcess;
  private failure: OfficerError | undefined;
  private stderr = "";

  constructor(private readonly command: Command) {
    // A session of its own: Ctrl+C in a terminal is the app's to handle, and Officer must
    // outlive it long enough to finish. It learns of the app's end by its stdin.
    const child = spawn(command.binary, command.args, {
      stdio: ["pipe", "pipe", "pipe"], windowsHide: true, detached: process.platform !== "win32",
      env: { ...(command.env ?? process.env), OFFICER_BINARY: undefined }, // ours; Officer would warn of an unknown setting
    });
    this.child = child;
    child.stdin!.on("error", () => undefined); // it went first
    let failed: Error | undefined;
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal, error: this.why(code, signal, failed) });
      child.once("error", (e) => {
        failed = e;
        if (child.pid === undefined) end(null, null);
      });
      child.once("close", end);
    });
    this.ready = new Promise((resolve, reject) => {
      this.listen(resolve);
      void this.exited.then((e) => reject(e.error));
    });
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** From now on the run does not keep this process alive; its pipes end with it. */
  unref(): void {
    this.child.unref();
    for (const pipe of [this.child.stdin, this.child.stdout, this.child.stderr]) (pipe as { unref?(): void } | null)?.unref?.();
  }

  /** Asks it to finish: with a checkpoint, within five seconds. */
  finish(): void {
    this.child.ref();
    this.child.stdin!.end();
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private listen(resolve: (r: Ready) => void): void {
    // The lines after "ready" tell of events; the API tells them with their types. They are
    // read all the same, or the pipe would fill up.
    createInterface({ input: this.child.stdout! }).on("line", (line) => {
      const said = parse(line);
      if (said["type"] === "ready") resolve(readyOf(said));
      else if (said["type"] === "result" && said["ok"] === false) this.failure = failureOf(said);
    });
    createInterface({ input: this.child.stderr! }).on("line", (line) => {
      this.stderr = (this.stderr + line + "\n").slice(-stderrKept);
      this.command.onStderr?.(line);
    });
  }

  private why(code: number | null, signal: NodeJS.Signals | null, failed?: Error): OfficerError {
    if (this.failure) return this.failure;
    const words = this.stderr.trim();
    if (failed) {
      return new OfficerError({ code: "start_failed", op: "start", text: `${this.command.binary} cannot be run: ${failed.message}`, cause: failed });
    }
    return new OfficerError({
      code: code === 10 ? "locked" : "start_failed", op: "run", exitCode: code ?? undefined,
      text: words || `Officer ended with ${signal ? `signal ${signal}` : `exit code ${code}`}`,
    });
  }
}

/** Where a run answers. */
export function endpointOf(ready: Ready): Endpoint {
  if (ready.socket) return { socket: ready.socket };
  return { url: ready.url, token: ready.tokenFile ? readFileSync(ready.tokenFile, "utf8").trim() : undefined };
}

type Said = Record<string, unknown>;

function parse(line: string): Said {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Said) : {};
  } catch {
    return {};
  }
}

function readyOf(s: Said): Ready {
  return {
    version: text(s["version"]), pid: Number(s["pid"] ?? 0), socket: text(s["socket"]), url: text(s["url"]), tokenFile: text(s["token_file"]),
    databases: list(s["databases"]).map((d) => ({ name: text(d["name"]), path: text(d["path"]), home: text(d["home"]) })),
    problems: list(s["problems"]).map((p) => ({ path: text(p["path"]), error: errorOf((p["error"] ?? {}) as Said) })),
  };
}

function failureOf(s: Said): OfficerError {
  return errorOf((s["error"] ?? {}) as Said, typeof s["code"] === "number" ? s["code"] : undefined);
}

function errorOf(e: Said, exitCode?: number): OfficerError {
  return new OfficerError({
    code: text(e["code"]) || "start_failed", op: text(e["op"]) || "run", text: text(e["text"]) || "Officer did not start", did: text(e["did"]),
    hints: (Array.isArray(e["hints"]) ? e["hints"] : []).map(String), dataChanged: e["data_changed"] === true, exitCode,
  });
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const list = (value: unknown): Said[] => (Array.isArray(value) ? (value as Said[]) : []);
