import { EventEmitter } from "node:events";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findBinary } from "./binary";
import type { OfficerClient } from "./client";
import { OfficerError } from "./errors";
import { watch, type EventBodies, type EventOf, type EventOptions, type EventType } from "./events";
import type { Event } from "./gen/officer/v1/events_pb";
import type { HealthReport } from "./gen/officer/v1/health_pb";
import { Link } from "./link";
import { endpointOf, Run, type Exit, type Ready } from "./process";
import type { Endpoint } from "./transport";
import type { Work } from "./work";

/** How Officer is started. */
export interface StartOptions {
  /** The database, or several. */
  db: string | readonly string[];
  /** Folder of backups, log and lock; left out: `{db}-officer` beside each database. */
  home?: string | undefined;
  /** officer.yaml. */
  config?: string | undefined;
  /** Also a TCP address, "127.0.0.1:0"; left out: the socket alone. */
  listen?: string | undefined;
  /** Hears every event; the same as `officer.on("event", …)`, but from the first one. */
  onEvent?: ((event: Event) => void) | undefined;
  /** Hears what the binary writes for people (its stderr). */
  onStderr?: ((line: string) => void) | undefined;
  /** The binary; left out: $OFFICER_BINARY, else that of the platform package. */
  binary?: string | undefined;
  env?: NodeJS.ProcessEnv | undefined;
  /** Whether a binary that died is started again; left out: yes. */
  restart?: boolean | undefined;
  /** How long a start may take before it counts as failed; left out: 30 s. */
  readyWithinMs?: number | undefined;
}

/**
 * `running`: it answers. `restarting`: it died and will be started again; calls wait.
 * `failed`: it died and is not started again.
 */
export type OfficerState = "running" | "restarting" | "stopping" | "stopped" | "failed";

type Typed = { [T in EventType]: [event: EventOf<T>] };

/** What an Officer emits: every event under its type ("backup.verified"), and these. */
export interface OfficerEvents extends Typed {
  event: [event: Event];
  /** Colour, sentence or causes changed. */
  health: [report: HealthReport, database: string];
  state: [state: OfficerState, error?: OfficerError];
}

/** The shortest and the longest wait before another start, and the time after which one counts as well. */
const backoff = { firstMs: 250, lastMs: 30_000, wellAfterMs: 60_000 };
/** How long a call waits for an Officer that is being started again. */
const patienceMs = 15_000;

/** A binary that is kept running beside this process. */
export class Officer extends EventEmitter<OfficerEvents> {
  readonly client: OfficerClient;
  readonly work: Work;
  /** For the handler of an HTTP server; see officerHandler. */
  readonly find: (signal?: AbortSignal) => Promise<Endpoint>;
  private readonly link: Link;
  private readonly ended = new AbortController();
  private current: { run: Run; ready: Ready; endpoint: Endpoint };
  private now: OfficerState = "running";
  private why: OfficerError | undefined;
  private stopping: Promise<void> | undefined;
  private readonly waiting = new Set<() => void>();

  /** Use startOfficer. */
  constructor(private readonly start: () => Run, private readonly options: StartOptions, run: Run, ready: Ready) {
    super();
    this.current = { run, ready, endpoint: endpointOf(ready) };
    this.find = (signal) => this.endpoint(signal);
    this.link = new Link(this.find, patienceMs);
    this.client = this.link.client;
    this.work = this.link.work;
    run.unref();
    void this.supervise();
    void this.pump();
  }

  get state(): OfficerState {
    return this.now;
  }

  /** What the binary of now said when it was ready: version, pid, socket. */
  get info(): Ready {
    return { ...this.current.ready };
  }

  /** Events as they happen, until the loop is left, the signal fires, or Officer is stopped. */
  events(options: EventOptions = {}): AsyncIterable<Event> {
    return this.link.events(options);
  }

  /**
   * Ends it: with a checkpoint, in at most five seconds; what does not end in `withinMs` is killed.
   * Its home is left as a power cut would leave it then, which is what it is made for.
   */
  stop(withinMs = 10_000): Promise<void> {
    this.stopping ??= this.finish(withinMs);
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async finish(withinMs: number): Promise<void> {
    const failed = this.now === "failed";
    if (!failed) this.become("stopping");
    this.ended.abort();
    this.current.run.finish();
    const timer = setTimeout(() => this.current.run.kill("SIGKILL"), withinMs);
    await this.current.run.exited;
    clearTimeout(timer);
    this.link.close();
    if (!failed) this.become("stopped");
  }

  private become(state: OfficerState, error?: OfficerError): void {
    this.now = state;
    this.why = error;
    for (const over of [...this.waiting]) over();
    if (error) this.tell("state", state, error);
    else this.tell("state", state);
  }

  /** The endpoint of now; while it is being started again, the next one. */
  private async endpoint(signal?: AbortSignal): Promise<Endpoint> {
    const until = performance.now() + patienceMs;
    while (this.now === "restarting" && !signal?.aborted && performance.now() < until) {
      await this.turned(until - performance.now(), signal);
    }
    if (this.now === "running") return this.current.endpoint;
    if (this.now === "failed" && this.why) throw this.why;
    const text = this.now === "restarting" ? "Officer died and is being started again" : "Officer was stopped";
    throw new OfficerError({ code: this.now === "restarting" ? "no_officer" : "stopped", text, cause: this.why });
  }

  /** Waits for the next change of the state. */
  private turned(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((done) => {
      const over = () => {
        clearTimeout(timer);
        this.waiting.delete(over);
        signal?.removeEventListener("abort", over);
        done();
      };
      const timer = setTimeout(over, ms);
      this.waiting.add(over);
      signal?.addEventListener("abort", over, { once: true });
    });
  }

  /** Starts it again whenever it dies, with growing waits. */
  private async supervise(): Promise<void> {
    let wait = backoff.firstMs;
    let since = performance.now();
    for (;;) {
      const exit: Exit = await this.current.run.exited;
      if (this.ended.signal.aborted) return;
      if (this.options.restart === false) return this.become("failed", exit.error);
      if (performance.now() - since > backoff.wellAfterMs) wait = backoff.firstMs;
      this.become("restarting", exit.error);
      for (;;) {
        try {
          await pause(wait, undefined, { signal: this.ended.signal, ref: false });
        } catch {
          return; // stopped meanwhile
        }
        wait = Math.min(wait * 2, backoff.lastMs);
        if (await this.again()) break;
        if (this.ended.signal.aborted) return;
      }
      since = performance.now();
    }
  }

  private async again(): Promise<boolean> {
    const run = this.start();
    run.unref();
    this.current = { ...this.current, run };
    try {
      const ready = await readyWithin(run, this.options.readyWithinMs);
      if (this.ended.signal.aborted) return false; // stop() ends this run
      this.current = { run, ready, endpoint: endpointOf(ready) };
      this.become("running");
      return true;
    } catch (e) {
      if (!this.ended.signal.aborted) this.become("restarting", e as OfficerError);
      return false;
    }
  }

  /** Emits the events of every database, from the first of this run on. */
  private async pump(): Promise<void> {
    const signal = this.ended.signal;
    let names: string[] = [];
    while (names.length === 0 && !signal.aborted) {
      try {
        names = (await this.client.listDatabases({}, { signal, timeoutMs: 10_000 })).databases.map((d) => d.name);
      } catch (e) {
        // An older binary has no list; the one of the socket is asked for without its name.
        if (e instanceof OfficerError && e.code === "unimplemented") names = [""];
        else await pause(1_000, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
    await Promise.all(names.map((database) => this.pumpOne(database, signal)));
  }

  private async pumpOne(database: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const e of watch(this.link.wire, { database, after: 0n, progress: true, signal }, true)) this.hear(e);
    } catch {
      // A database that is no longer looked after has no more events.
    }
  }

  private hear(e: Event): void {
    if (this.options.onEvent) this.options.onEvent(e);
    this.tell("event", e);
    if (e.sequence > 0n) this.tell(e.type as EventType, e as EventOf<EventType> as never);
    if (e.body.case === "healthChanged" && e.body.value.report) this.tell("health", e.body.value.report, e.database);
  }

  /** Emits; what a listener throws is the app's uncaught exception, and Officer's loops go on. */
  private tell<K extends keyof OfficerEvents>(name: K, ...args: OfficerEvents[K]): void {
    try {
      (this.emit as (name: K, ...args: OfficerEvents[K]) => boolean).call(this, name, ...args);
    } catch (e) {
      process.nextTick(() => {
        throw e;
      });
    }
  }
}

async function readyWithin(run: Run, ms = 30_000): Promise<Ready> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      run.ready,
      new Promise<never>((_, reject) => {
        const late = new OfficerError({ code: "start_failed", op: "start", text: `Officer was not ready within ${ms} ms` });
        timer = setTimeout(() => reject(late), ms);
      }),
    ]);
  } catch (e) {
    run.kill("SIGKILL");
    await run.exited;
    throw e;
  } finally {
    clearTimeout(timer);
  }
}

/** The command line that options stand for. */
export function commandLine(options: StartOptions): string[] {
  const dbs = typeof options.db === "string" ? [options.db] : options.db;
  if (dbs.length === 0 || dbs.some((d) => d === "")) {
    throw new OfficerError({ code: "usage", op: "start", text: "startOfficer needs the path of a database", hints: ['startOfficer({ db: "app.db" })'] });
  }
  const args = ["run", "--sidecar"];
  if (options.home) args.push("--home", resolve(options.home));
  if (options.config) args.push("--config", resolve(options.config));
  if (options.listen) args.push("--listen", options.listen);
  return [...args, ...dbs.map((d) => resolve(d))]; // absolute: none is taken for a flag
}

/**
 * Starts Officer beside this process and resolves once it answers. It ends with this process, however
 * that ends, and never keeps it alive. Rejects with an OfficerError: `missing`, `locked` (another
 * Officer looks after the database), `no_binary`, …
 */
export async function startOfficer(options: StartOptions): Promise<Officer> {
  const args = commandLine(options);
  const binary = findBinary(options.binary);
  const start = () => new Run({ binary, args, env: options.env, onStderr: options.onStderr });
  const run = start();
  return new Officer(start, options, run, await readyWithin(run, options.readyWithinMs));
}

export type { EventBodies };
