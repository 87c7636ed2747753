// Long work: an operation is started, followed to its end, and its result is the answer.
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OfficerClient } from "./client";
import { fromFailure, OfficerError } from "./errors";
import type {
  AnalyzeRequestSchema, BackUpRequestSchema, CheckpointRequestSchema, CheckRequestSchema, DiffRequestSchema, DrillRequestSchema, Operation,
  RepairRequestSchema, RestoreRequestSchema, UndoRequestSchema, VacuumRequestSchema, VerifyRequestSchema,
} from "./gen/officer/v1/api_pb";
import type { BackupReport, DiffReport, DrillReport, VerifyReport } from "./gen/officer/v1/backup_pb";
import type { Progress } from "./gen/officer/v1/common_pb";
import type { CheckReport } from "./gen/officer/v1/integrity_pb";
import type { MaintenanceReport } from "./gen/officer/v1/maint_pb";
import type { RestoreReport } from "./gen/officer/v1/recovery_pb";
import type { CheckpointOutcome } from "./gen/officer/v1/wal_pb";

/** How long work is followed. */
export interface WorkOptions {
  /** Hears each step. */
  onProgress?: ((progress: Progress, operation: Operation) => void) | undefined;
  /** Cancels the work itself, not only the waiting for it; what it began is cleaned up. */
  signal?: AbortSignal | undefined;
}

/** Long work, each awaited to its end; what fails throws an OfficerError. */
export interface Work {
  /** Takes a backup and verifies it. `report.skipped`: nothing changed since the last one. */
  backUp(request?: MessageInitShape<typeof BackUpRequestSchema>, options?: WorkOptions): Promise<BackupReport>;
  /** Checks the live database; damage is a verdict, no error. */
  check(request?: MessageInitShape<typeof CheckRequestSchema>, options?: WorkOptions): Promise<CheckReport>;
  /** Reads stored backups back and judges them. */
  verify(request?: MessageInitShape<typeof VerifyRequestSchema>, options?: WorkOptions): Promise<VerifyReport>;
  /** Restores a backup into a temporary file and measures it. */
  drill(request?: MessageInitShape<typeof DrillRequestSchema>, options?: WorkOptions): Promise<DrillReport>;
  /** Puts a backup into the live database; over a healthy one only with `confirmed: true`. */
  restore(request?: MessageInitShape<typeof RestoreRequestSchema>, options?: WorkOptions): Promise<RestoreReport>;
  /** Recovers a damaged database in place; `dryRun: true` only tells what would be lost. */
  repair(request?: MessageInitShape<typeof RepairRequestSchema>, options?: WorkOptions): Promise<RestoreReport>;
  /** Takes the last restore or repair back. */
  undo(request?: MessageInitShape<typeof UndoRequestSchema>, options?: WorkOptions): Promise<RestoreReport>;
  /** Empties the write-ahead log. */
  checkpoint(request?: MessageInitShape<typeof CheckpointRequestSchema>, options?: WorkOptions): Promise<CheckpointOutcome>;
  /** Gives free pages back. */
  vacuum(request?: MessageInitShape<typeof VacuumRequestSchema>, options?: WorkOptions): Promise<MaintenanceReport>;
  /** Renews the statistics of the query planner. */
  analyze(request?: MessageInitShape<typeof AnalyzeRequestSchema>, options?: WorkOptions): Promise<MaintenanceReport>;
  /** Compares a backup with the live database, or with another backup, table by table. */
  diff(request?: MessageInitShape<typeof DiffRequestSchema>, options?: WorkOptions): Promise<DiffReport>;
}

const results = {
  backUp: "backup", check: "check", verify: "verify", drill: "drill", restore: "restore", undo: "restore", repair: "restore",
  checkpoint: "checkpoint", vacuum: "maintenance", analyze: "maintenance", diff: "diff",
} as const;

export function createWork(client: OfficerClient): Work {
  const work: Record<string, unknown> = {};
  for (const [name, result] of Object.entries(results)) {
    const start = client[name as keyof typeof results] as (request: object) => Promise<Operation>;
    work[name] = async (request: object = {}, options: WorkOptions = {}) => {
      options.signal?.throwIfAborted();
      const ended = await turn(options.signal, async () => follow(client, await begin(start, request), options));
      if (ended.result.case === result) return ended.result.value;
      throw new OfficerError({ code: "internal", op: ended.kind, text: `the operation ended as ${ended.state} without its result` });
    };
  }
  return work as unknown as Work;
}

/**
 * Work of a kind that is going on already (Officer's own first backup, say) is refused; it is waited for here, since
 * a backup that began before the request does not hold what was written until then.
 */
async function turn<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 1_000)) {
    try {
      return await attempt();
    } catch (e) {
      if (!(e instanceof OfficerError) || e.code !== "already_running" || signal?.aborted) throw e;
    }
    await pause(waitMs, undefined, signal && { signal });
  }
}

/** Starts an operation. A lost connection is tried once more: with the same key it is the same operation. */
async function begin(start: (request: object) => Promise<Operation>, request: object): Promise<Operation> {
  const keyed = { idempotencyKey: randomUUID(), ...request };
  try {
    return await start(keyed);
  } catch (e) {
    if (e instanceof OfficerError && e.code === "connection_lost") return await start(keyed);
    throw e;
  }
}

/** Follows an operation to its end and gives it, done; failed and cancelled throw. */
export async function follow(client: OfficerClient, from: Operation, options: WorkOptions = {}): Promise<Operation> {
  let now = from;
  const cancel = () => void client.cancelOperation({ id: from.id }).catch(() => undefined);
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener("abort", cancel, { once: true });
  try {
    if (now.state === "running") {
      for await (now of client.watchOperation({ id: from.id })) {
        if (now.state === "running" && now.progress) options.onProgress?.(now.progress, now);
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", cancel);
  }
  if (now.result.case === "failure") throw fromFailure(now.result.value);
  if (now.state === "running") {
    throw new OfficerError({ code: "connection_lost", op: now.kind, text: "Officer went away before the work had ended" });
  }
  return now;
}
