// The stream of events, held open: after a break it goes on where it was.
import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { WatchRequestSchema, ControlService } from "./gen/officer/v1/control_pb";
import type { Event } from "./gen/officer/v1/events_pb";
import { OfficerError } from "./errors";
import type { Transport } from "./transport";

/** The types of events and the body that each brings. */
export interface EventBodies {
  "backup.verified": "backupTaken";
  "backup.failed": "backupFailed";
  "backup.skipped": "backupSkipped";
  "backup.pruned": "backupPruned";
  "backup.rotten": "backupRotten";
  "backup.schema_changed": "schemaChanged";
  "drill.finished": "drillFinished";
  "integrity.checked": "integrityChecked";
  "integrity.damage_found": "damageFound";
  "integrity.damage_gone": "damageGone";
  "disk.level_changed": "diskLevelChanged";
  "wal.checkpointed": "walCheckpointed";
  "wal.grew": "walGrew";
  "wal.blocked": "walBlocked";
  "maintenance.vacuumed": "maintenanceDone";
  "maintenance.analyzed": "maintenanceDone";
  "maintenance.skipped": "maintenanceSkipped";
  "fence.raised": "fenceChanged";
  "fence.lifted": "fenceChanged";
  "restore.finished": "restoreFinished";
  "restore.undone": "restoreFinished";
  "restore.failed": "restoreFailed";
  "recovery.started": "recoveryStarted";
  "recovery.step": "recoveryStep";
  "recovery.finished": "restoreFinished";
  "recovery.failed": "restoreFailed";
  "health.changed": "healthChanged";
  "query.slow": "querySlow";
  "actor.restarted": "actorRestarted";
  "actor.gave_up": "actorGaveUp";
  "officer.started": "lifecycle";
  "officer.stopping": "lifecycle";
  "officer.stopped": "lifecycle";
}

/** The name of a type of event. */
export type EventType = keyof EventBodies;

/** An event of a known type, with its body. */
export type EventOf<T extends EventType> = Omit<Event, "type" | "body"> & {
  type: T;
  body: Extract<Event["body"], { case: EventBodies[T] }>;
};

/** Which events are wanted. */
export interface EventOptions {
  /** Name of the database; left out: the only one, or all that this Officer was started for. */
  database?: string | undefined;
  /** First the events after this one that are still held (the last 1,000); 0 = those of this run. */
  after?: bigint | undefined;
  /** "backup.verified", "backup.*"; left out: all. */
  types?: readonly string[] | undefined;
  /** Also the steps of long work (sequence 0). */
  progress?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** Whether an event passes. */
export function wanted(e: Event, options: EventOptions): boolean {
  if (e.sequence === 0n && e.body.case === "progress") return options.progress === true;
  const types = options.types;
  if (!types || types.length === 0) return true;
  return types.some((t) => t === e.type || t === "*" || (t.endsWith(".*") && e.type.startsWith(t.slice(0, -1))));
}

/**
 * The events of one database until the signal: when the stream breaks it is opened again after the
 * newest event that came, so that none is missed and none comes twice.
 */
export async function* watch(
  transport: Transport, options: EventOptions, background: boolean, opened?: () => void,
): AsyncGenerator<Event, void, undefined> {
  const signal = options.signal;
  let after = options.after;
  let wait = 100;
  while (!signal?.aborted) {
    const request = create(WatchRequestSchema, {
      database: options.database ?? "", replay: after !== undefined, afterSequence: after ?? 0n,
    });
    try {
      for await (const e of transport.stream(ControlService.method.watch, request, { signal, background, ...(opened && { opened }) })) {
        wait = 100;
        if (e.sequence > 0n) after = e.sequence;
        if (e.type !== "" && wanted(e, options)) yield e;
      }
    } catch (e) {
      if (signal?.aborted) return;
      if (!(e instanceof OfficerError) || final.has(e.code)) throw e;
    }
    try {
      await pause(wait, undefined, { ref: !background, ...(signal && { signal }) });
    } catch {
      return; // given up
    }
    wait = Math.min(wait * 2, 5_000);
  }
}

/** What another try cannot mend. */
const final = new Set(["stopped", "unknown_database", "invalid", "unauthenticated", "permission_denied"]);
