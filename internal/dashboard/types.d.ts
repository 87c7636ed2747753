// The messages of proto/officer/v1 as the page reads them: JSON names, 64-bit numbers made
// numbers, fields with their zero value missing. Not served; the JSDoc of assets/js names it.

export type Severity = 'SEVERITY_GREEN' | 'SEVERITY_YELLOW' | 'SEVERITY_RED';

export interface Failure {
  code: string;
  op?: string;
  text: string;
  did?: string;
  hints?: string[];
  dataChanged?: boolean;
}

export interface Progress {
  jobId?: string;
  stage?: string;
  done?: number;
  total?: number;
  unit?: string;
}

export interface Condition {
  code: string;
  severity?: Severity;
  text: string;
  hint?: string;
  sinceUnixMs?: number;
  system?: string;
}

export interface HealthReport {
  health?: Severity;
  headline?: string;
  conditions?: Condition[];
}

export interface Table {
  name: string;
  rows?: number;
  digest?: string;
}

export interface Backup {
  id: string;
  file?: string;
  path?: string;
  tier?: string;
  reason?: string;
  takenAtUnixMs?: number;
  sizeBytes?: number;
  sha256?: string;
  verified?: boolean;
  verdict?: string;
  content?: { tables?: Table[]; schemaDigest?: string };
  sqliteVersion?: string;
  copyMs?: number;
  verifyMs?: number;
  worstWriterStallMs?: number;
  pinned?: boolean;
  lastVerdictAtUnixMs?: number;
  keepReason?: string;
  expiresAtUnixMs?: number;
  expiresBecause?: string;
  pinnedUntilUnixMs?: number;
}

export interface BackupList {
  backups?: Backup[];
  held?: string;
}

export interface Finding {
  kind?: string;
  object?: string;
  page?: number;
  detail?: string;
}

export interface CheckReport {
  verdict?: string;
  engine?: string;
  kind?: 'CHECK_KIND_FULL' | 'CHECK_KIND_QUICK' | 'CHECK_KIND_FOREIGN_KEYS';
  findings?: Finding[];
  foreignKeys?: { table?: string; rowid?: string; parent?: string }[];
  rules?: {
    rule?: { name?: string; severity?: Severity };
    rows?: number;
    error?: string;
  }[];
  durationMs?: number;
  checkedAtUnixMs?: number;
}

export interface DrillReport {
  backup?: Backup;
  ok?: boolean;
  restoreMs?: number;
  checkMs?: number;
  findings?: Finding[];
  rules?: CheckReport['rules'];
  atUnixMs?: number;
}

export interface TableChange {
  name: string;
  rowsBefore?: number;
  rowsAfter?: number;
}

export interface RestoreReport {
  restoredFrom?: string;
  undoId?: string;
  tables?: TableChange[];
  inPlace?: boolean;
  dryRun?: boolean;
  durationMs?: number;
  keptDir?: string;
  layer?: string;
  recovered?: RecoveredTable[];
  setAside?: number;
  reportFile?: string;
}

export interface RecoveredTable {
  name?: string;
  rowsKept?: number;
  rowsSalvaged?: number;
  rowsFromBase?: number;
  rowsUncertain?: number;
  rowsConfirmed?: number;
  rowsUnconfirmed?: number;
  rowsUndated?: number;
  rowsDoubted?: number;
  rowsLostEstimate?: number;
}

export interface Hostage {
  pid?: number;
  command?: string;
  sinceUnixMs?: number;
  pages?: number;
  own?: boolean;
}

export interface CheckpointOutcome {
  mode?: string;
  logFrames?: number;
  doneFrames?: number;
  complete?: boolean;
  walBytesBefore?: number;
  walBytesAfter?: number;
  durationMs?: number;
  hostages?: Hostage[];
  skippedBecause?: string;
}

export interface WalReport {
  journalMode?: string;
  walBytes?: number;
  limitBytes?: number;
  last?: CheckpointOutcome;
  lastAtUnixMs?: number;
  hostages?: Hostage[];
  passiveBecause?: string;
  engineHazard?: string;
  engineVersion?: string;
}

export interface Volume {
  roles?: string[];
  path?: string;
  totalBytes?: number;
  freeBytes?: number;
  freeInodes?: number;
  level?: string;
  daysUntilFull?: number;
  nextJobBytes?: number;
  freeable?: { what?: string; bytes?: number; how?: string }[];
}

export interface DiskReport {
  volumes?: Volume[];
  level?: string;
  reserveHeld?: boolean;
  reserveBytes?: number;
  checkedAtUnixMs?: number;
}

export interface MaintenanceReport {
  kind?: string;
  skipped?: boolean;
  because?: string;
  beforeBytes?: number;
  afterBytes?: number;
  durationMs?: number;
  backupId?: string;
  atUnixMs?: number;
}

export interface MaintenanceStatus {
  lastVacuum?: MaintenanceReport;
  lastAnalyze?: MaintenanceReport;
  idleMs?: number;
  freePages?: number;
  pages?: number;
  importing?: boolean;
}

export interface Status {
  database?: string;
  home?: string;
  health?: HealthReport;
  lastVerifiedBackup?: Backup;
  facts?: {
    path?: string;
    pageSize?: number;
    pageCount?: number;
    freelistPages?: number;
    journalMode?: string;
    sizeBytes?: number;
    walBytes?: number;
    sqliteVersion?: string;
    source?: { writerVersion?: number };
  };
  owner?: {
    state?: string;
    text?: string;
    running?: string;
    runningMs?: number;
    fence?: {
      active?: boolean;
      reasons?: string[];
      held?: boolean;
      text?: string;
      sinceUnixMs?: number;
    };
  };
  integrity?: {
    lastFull?: CheckReport;
    lastForeignKeys?: CheckReport;
    suspect?: boolean;
    suspectSinceUnixMs?: number;
  };
  actors?: {
    name: string;
    restarts?: number;
    lastFailure?: string;
    state?: string;
  }[];
  officerVersion?: string;
  startedAtUnixMs?: number;
  pid?: number;
  backups?: number;
  disk?: DiskReport;
  wal?: WalReport;
  maintenance?: MaintenanceStatus;
  lastDrill?: DrillReport;
}

export interface LookedAfter {
  name: string;
  path?: string;
  home?: string;
  health?: Severity;
  headline?: string;
}

export interface Databases {
  databases?: LookedAfter[];
  problems?: { path?: string; failure?: Failure }[];
}

export interface Operation {
  id: string;
  kind?: string;
  database?: string;
  state?: string;
  progress?: Progress;
  startedAtUnixMs?: number;
  endedAtUnixMs?: number;
  idempotencyKey?: string;
  failure?: Failure;
  backup?: {
    backup?: Backup;
    skipped?: boolean;
    skippedBecause?: string;
    tries?: number;
  };
  check?: CheckReport;
  verify?: {
    verdicts?: { backup?: Backup; verdict?: string; findings?: Finding[] }[];
  };
  drill?: DrillReport;
  restore?: RestoreReport;
  checkpoint?: CheckpointOutcome;
  maintenance?: MaintenanceReport;
}

export interface OfficerEvent {
  sequence?: number;
  type: string;
  timeUnixMs?: number;
  database?: string;
  backupTaken?: { backup?: Backup };
  backupFailed?: { failure?: Failure; tries?: number };
  backupSkipped?: { standing?: Backup };
  backupPruned?: { dropped?: { id?: string; reason?: string } };
  backupRotten?: { verdict?: { backup?: Backup; verdict?: string } };
  integrityChecked?: { report?: CheckReport };
  damageFound?: { report?: CheckReport };
  damageGone?: { report?: CheckReport };
  restoreFinished?: { report?: RestoreReport; undo?: boolean };
  restoreFailed?: { failure?: Failure; repair?: boolean };
  recoveryStarted?: { jobId?: string; automatic?: boolean };
  recoveryStep?: { jobId?: string; step?: string };
  healthChanged?: { report?: HealthReport };
  fenceChanged?: { active?: boolean; reason?: string };
  actorRestarted?: { actor?: string; failure?: string; restarts?: number };
  actorGaveUp?: { actor?: string; failure?: string };
  progress?: Progress;
  lifecycle?: { state?: string };
  diskLevelChanged?: { volume?: Volume; from?: string; to?: string };
  walCheckpointed?: { outcome?: CheckpointOutcome };
  walGrew?: { walBytes?: number; limitBytes?: number };
  walBlocked?: { hostages?: Hostage[]; walBytes?: number };
  maintenanceDone?: { report?: MaintenanceReport };
  maintenanceSkipped?: { report?: MaintenanceReport };
  drillFinished?: { report?: DrillReport };
  schemaChanged?: { pinnedId?: string; untilUnixMs?: number };
  querySlow?: {
    name?: string;
    shape?: string;
    durationMs?: number;
    budgetMs?: number;
  };
  tamperingFound?: { file?: string; what?: string[] };
}

export interface LogRecord {
  sequence?: number;
  timeUnixMs?: number;
  level?: string;
  component?: string;
  message?: string;
  context?: string;
  stack?: string;
}

export interface OperationMetrics {
  name: string;
  count?: number;
  failed?: number;
  meanMs?: number;
  p50Ms?: number;
  p95Ms?: number;
  p99Ms?: number;
  maxMs?: number;
  budgetMs?: number;
  trend?: number;
  overBudget?: number;
  days?: {
    day: string;
    count?: number;
    p50Ms?: number;
    p95Ms?: number;
    maxMs?: number;
  }[];
}

export interface MetricsReport {
  operations?: OperationMetrics[];
}

export interface ScheduleState {
  owner?: string;
  key?: string;
  lastUnixMs?: number;
  nextUnixMs?: number;
}

export interface Series {
  name: string;
  unit?: string;
  points?: { timeUnixMs?: number; value?: number }[];
}
