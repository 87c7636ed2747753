// The generated messages, their schemas, and the service: for @bufbuild/protobuf and @connectrpc/connect.
export * from "./gen/officer/v1/api_pb";
export * from "./gen/officer/v1/backup_pb";
export * from "./gen/officer/v1/common_pb";
export * from "./gen/officer/v1/content_pb";
export * from "./gen/officer/v1/control_pb";
export * from "./gen/officer/v1/dbowner_pb";
export * from "./gen/officer/v1/disk_pb";
export * from "./gen/officer/v1/events_pb";
export * from "./gen/officer/v1/health_pb";
export * from "./gen/officer/v1/integrity_pb";
export * from "./gen/officer/v1/logs_pb";
export * from "./gen/officer/v1/maint_pb";
export * from "./gen/officer/v1/metrics_pb";
export * from "./gen/officer/v1/recovery_pb";
export * from "./gen/officer/v1/schedule_pb";
export * from "./gen/officer/v1/wal_pb";
