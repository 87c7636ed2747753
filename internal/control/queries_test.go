package control

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

// parrot answers every request with what the table says and keeps what it was asked.
type parrot struct {
	database string
	asked    proto.Message
	answer   proto.Message
}

func (p *parrot) Ask(_ context.Context, database string, msg proto.Message, _ func(*messages.Progress)) (proto.Message, error) {
	p.database, p.asked = database, msg
	return p.answer, nil
}

func (p *parrot) Subscribe(context.Context, *messages.WatchRequest) (<-chan *messages.Event, error) {
	return nil, messages.NewFailure("internal", "subscribe", "not here")
}

// question is a method as a value.
func question[In, Out proto.Message](call func(context.Context, In) (Out, error), in In) func(context.Context) (proto.Message, error) {
	return func(ctx context.Context) (proto.Message, error) { return call(ctx, in) }
}

func TestQueries_areAskedOfTheirPartAndItsAnswerIsGiven(t *testing.T) {
	p := &parrot{}
	s := &service{officer: p, operations: newOperations(p), database: "app"}
	for name, c := range map[string]struct {
		call         func(context.Context) (proto.Message, error)
		want, answer proto.Message
		database     string
	}{
		"status":  {question(s.GetStatus, &messages.GetStatusRequest{}), &messages.GetStatus{}, &messages.Status{Pid: 1}, "app"},
		"health":  {question(s.GetHealth, &messages.GetHealthRequest{Database: "b"}), &messages.GetHealth{}, &messages.HealthReport{Headline: "h"}, "b"},
		"backups": {question(s.ListBackups, &messages.ListBackupsRequest{Database: "b"}), &messages.ListBackups{}, &messages.BackupList{Held: "h"}, "b"},
		"backup": {question(s.GetBackup, &messages.GetBackupRequest{Database: "b", Id: "i", BeforeUnixMs: 3}),
			&messages.FindBackup{Id: "i", BeforeUnixMs: 3}, &messages.Backup{Id: "i"}, "b"},
		"explain": {question(s.Explain, &messages.ExplainRequest{Database: "b", Id: "i"}), &messages.ExplainRetention{Id: "i"}, &messages.RetentionReport{Held: "h"}, "b"},
		"pin":     {question(s.Pin, &messages.PinRequest{Database: "b", Id: "i"}), &messages.PinBackup{Id: "i"}, &messages.Backup{Id: "i"}, "b"},
		"unpin":   {question(s.Unpin, &messages.UnpinRequest{Database: "b", Id: "i"}), &messages.UnpinBackup{Id: "i"}, &messages.Backup{Id: "i"}, "b"},
		"logs": {question(s.GetLogs, &messages.GetLogsRequest{Database: "b", Level: "warn", Limit: 3, After: 9}),
			&messages.GetLogs{Level: "warn", Limit: 3, After: 9}, &messages.LogPage{Records: []*messages.LogRecord{{Message: "m"}}}, "b"},
		"events": {question(s.ListEvents, &messages.ListEventsRequest{Database: "b", After: 9, Limit: 3, Type: "backup.*"}),
			&messages.GetEvents{After: 9, Limit: 3, Type: "backup.*"}, &messages.EventPage{Oldest: 4}, "b"},
		"metrics": {question(s.GetMetrics, &messages.GetMetricsRequest{Database: "b", Name: "query"}), &messages.GetMetrics{Name: "query"},
			&messages.MetricsReport{Operations: []*messages.OperationMetrics{{Name: "query"}}}, "b"},
		"history": {question(s.GetHistory, &messages.GetHistoryRequest{Database: "b", SinceUnixMs: 5}), &messages.GetHistory{SinceUnixMs: 5},
			&messages.History{Series: []*messages.Series{{Name: "wal_bytes"}}}, "b"},
		"report metric": {question(s.ReportMetric, &messages.ReportMetricRequest{Database: "b", Name: "n", DurationUs: 5, Failed: true, Shape: "s", Rows: 6}),
			&messages.ReportMetric{Name: "n", DurationUs: 5, Failed: true, Shape: "s", Rows: 6}, &messages.MetricNoted{}, "b"},
		"disk": {question(s.GetDisk, &messages.GetDiskRequest{Database: "b"}), &messages.GetDisk{}, &messages.DiskReport{Level: "ok"}, "b"},
		"may import": {question(s.MayImport, &messages.MayImportRequest{Database: "b", Bytes: 8}), &messages.MayUse{Purpose: "import", Bytes: 8},
			&messages.SpaceVerdict{Allowed: true}, "b"},
		"start import": {question(s.StartImport, &messages.StartImportRequest{Database: "b", Name: "n", Bytes: 8}),
			&messages.ImportStarted{Name: "n", Bytes: 8}, &messages.ImportNoted{Text: "t"}, "b"},
		"finish import": {question(s.FinishImport, &messages.FinishImportRequest{Database: "b", Name: "n", Rows: 8}),
			&messages.ImportFinished{Name: "n", Rows: 8}, &messages.ImportNoted{Text: "t"}, "b"},
		"wal":         {question(s.GetWal, &messages.GetWalRequest{Database: "b"}), &messages.GetWal{}, &messages.WalReport{WalBytes: 1}, "b"},
		"maintenance": {question(s.GetMaintenance, &messages.GetMaintenanceRequest{Database: "b"}), &messages.GetMaintenance{}, &messages.MaintenanceStatus{Pages: 1}, "b"},
		"schedule": {question(s.GetSchedule, &messages.GetScheduleRequest{Database: "b"}), &messages.GetSchedules{},
			&messages.ScheduleList{Schedules: []*messages.ScheduleState{{Key: "k"}}}, "b"},
		"databases": {question(s.ListDatabases, &messages.ListDatabasesRequest{}), &messages.ListDatabasesRequest{},
			&messages.ListDatabasesResponse{Databases: []*messages.LookedAfter{{Name: "app"}}}, "app"},
		"config": {question(s.GetConfig, &messages.GetConfigRequest{}), &messages.GetConfigRequest{}, &messages.GetConfigResponse{Yaml: "y"}, "app"},
		"reload": {question(s.ReloadConfig, &messages.ReloadConfigRequest{}), &messages.ReloadConfig{}, &messages.ConfigReloaded{Added: []string{"a"}}, ""},
		"info":   {question(s.GetInfo, &messages.GetInfoRequest{}), &messages.GetInfo{}, &messages.Info{Pid: 1}, "app"},
	} {
		p.answer = c.answer
		got, err := c.call(t.Context())
		if err != nil || !proto.Equal(got, c.answer) {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, c.answer)
		}
		if !proto.Equal(p.asked, c.want) || p.asked.ProtoReflect().Descriptor() != c.want.ProtoReflect().Descriptor() || p.database != c.database {
			t.Errorf("%s: asked %T %v of %q, want %T %v of %q", name, p.asked, p.asked, p.database, c.want, c.want, c.database)
		}
		p.answer = &messages.Pong{}
		if _, err := c.call(t.Context()); err == nil {
			t.Errorf("%s: an answer to another question was given", name)
		}
	}
	p.asked = nil
	if _, err := s.MayImport(t.Context(), &messages.MayImportRequest{Bytes: -1}); err == nil || p.asked != nil {
		t.Errorf("less than nothing: got %v, want a refusal", err)
	}
}
