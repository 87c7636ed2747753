import { fromBinary } from "@bufbuild/protobuf";
import { FailureSchema, type Failure } from "./gen/officer/v1/common_pb";

/** What an OfficerError is made of; the fields of officer.v1.Failure. */
export interface Wrong {
  code: string;
  text: string;
  op?: string;
  did?: string;
  hints?: readonly string[];
  dataChanged?: boolean;
  exitCode?: number | undefined;
  cause?: unknown;
}

/**
 * Everything that goes wrong with Officer: what happened, what Officer did about it, what one can
 * do, and whether the database was changed, under a code that stays. Programs go by `code`.
 *
 * Codes of this package itself: `no_binary`, `no_officer` (nothing answers; nothing was changed),
 * `connection_lost` (it is not known how far the request came), `timeout`, `cancelled`,
 * `start_failed`, `stopped`, `too_large`. All others are Officer's own.
 */
export class OfficerError extends Error {
  /** Stable, lower_snake_case. */
  readonly code: string;
  /** What was tried: "restore". */
  readonly op: string;
  /** What happened, one sentence for people. */
  readonly text: string;
  /** What Officer did about it. */
  readonly did: string;
  /** What one can do, at most two. */
  readonly hints: readonly string[];
  /** Whether the database itself was changed. */
  readonly dataChanged: boolean;
  /** The exit code of the binary, where that is what told of it. */
  readonly exitCode: number | undefined;

  constructor(wrong: Wrong) {
    super(wrong.text, wrong.cause === undefined ? undefined : { cause: wrong.cause });
    this.name = "OfficerError";
    this.code = wrong.code;
    this.op = wrong.op ?? "";
    this.text = wrong.text;
    this.did = wrong.did || "Nothing was changed.";
    this.hints = [...(wrong.hints ?? [])];
    this.dataChanged = wrong.dataChanged ?? false;
    this.exitCode = wrong.exitCode;
  }

  /** Also true for errors of another copy of this package in the same process. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "OfficerError" && "hints" in value;
  }
}

/** The error that a failure in an answer stands for. */
export function fromFailure(f: Failure, cause?: unknown): OfficerError {
  return new OfficerError({
    code: f.code || "internal", op: f.op, text: f.text, did: f.did, hints: f.hints, dataChanged: f.dataChanged, cause,
  });
}

/** An error as the Connect protocol writes it. */
export interface ConnectErrorBody {
  code?: string;
  message?: string;
  details?: { type?: string; value?: string }[];
}

/** The failure that travels as a detail of a Connect error, or what can be said without one. */
export function fromConnect(body: ConnectErrorBody, op: string): OfficerError {
  for (const d of body.details ?? []) {
    if (d.type === "officer.v1.Failure" && d.value) {
      return fromFailure(fromBinary(FailureSchema, Buffer.from(d.value, "base64")));
    }
  }
  const code = body.code === "canceled" ? "cancelled" : body.code === "deadline_exceeded" ? "timeout" : (body.code ?? "internal");
  return new OfficerError({ code, op, text: body.message || `Officer answered ${code}` });
}
