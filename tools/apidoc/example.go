package main

import (
	"fmt"
	"io"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/dynamicpb"
)

// body gives the request that is shown for a method, "" when its table says enough. A test
// pastes them all into a shell (test/packages).
func body(method string) string {
	switch method {
	case "BackUp":
		return `{"reason": "before the upgrade", "waitMs": "60000"}`
	case "Check":
		return `{"kind": "CHECK_KIND_QUICK", "waitMs": "60000"}`
	case "Verify":
		return `{"all": true, "waitMs": "60000"}`
	case "Drill":
		return `{"waitMs": "60000"}`
	case "Restore":
		return `{"dryRun": true, "waitMs": "60000"}`
	case "Checkpoint":
		return `{"mode": "truncate", "waitMs": "10000"}`
	case "MayImport":
		return `{"bytes": "50000000"}`
	case "ReportMetric":
		return `{"name": "open_project", "durationUs": "180000"}`
	case "GetLogs":
		return `{"level": "warn", "limit": 20}`
	case "ListEvents":
		return `{"type": "backup.*", "limit": 10}`
	case "ListDatabases", "GetStatus", "GetHealth", "ListBackups", "GetBackup", "Explain", "ListOperations",
		"GetMetrics", "GetHistory", "GetDisk", "GetWal", "GetMaintenance", "GetSchedule", "GetInfo", "OpenDashboard":
		return `{}`
	}
	return ""
}

// example writes a call that can be pasted.
func example(w io.Writer, s *protogen.Service, m *protogen.Method) error {
	text := body(m.GoName)
	if text == "" {
		return nil
	}
	if err := protojson.Unmarshal([]byte(text), dynamicpb.NewMessage(m.Input.Desc)); err != nil {
		return fmt.Errorf("the example of %s: %w", m.Desc.FullName(), err)
	}
	_, err := fmt.Fprintf(w, "\n```sh\ncurl --unix-socket app.db-officer/officer.sock --json '%s' \\\n  http://officer/%s/%s\n```\n",
		text, s.Desc.FullName(), m.Desc.Name())
	return err
}
