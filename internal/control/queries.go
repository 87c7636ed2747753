package control

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

const (
	// queryWithin bounds what is answered at once: a part that hangs must not collect
	// clients. A status takes five seconds when parts of it do not answer.
	queryWithin = 30 * time.Second
	// reloadWithin is longer: every part of a new database has half a minute to begin.
	reloadWithin = 5 * time.Minute
)

// ask sends a message to the part that takes it and gives its one answer.
func ask[R proto.Message](ctx context.Context, s *service, database string, msg proto.Message) (R, error) {
	return within[R](ctx, s, queryWithin, s.named(database), msg)
}

func within[R proto.Message](ctx context.Context, s *service, limit time.Duration, database string, msg proto.Message) (R, error) {
	var none R
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	got, err := s.officer.Ask(ctx, database, msg, nil)
	if err != nil {
		return none, carry(err)
	}
	answer, ok := got.(R)
	if !ok {
		return none, carry(messages.NewFailure("internal", "call", "an unexpected answer"))
	}
	return answer, nil
}

// named is the database that a request means: that of the socket when it names none.
func (s *service) named(database string) string {
	if database == "" {
		return s.database
	}
	return database
}

// databases gives what is looked after, without its health.
func (s *service) databases(ctx context.Context) (*messages.ListDatabasesResponse, *messages.Failure) {
	ctx, cancel := context.WithTimeout(ctx, queryWithin)
	defer cancel()
	got, err := s.officer.Ask(ctx, "", &messages.ListDatabasesRequest{NamesOnly: true}, nil)
	if err != nil {
		return nil, failureOf(err)
	}
	list, ok := got.(*messages.ListDatabasesResponse)
	if !ok {
		return nil, messages.NewFailure("internal", "find the database", "an unexpected answer")
	}
	return list, nil
}

// find gives the database that a request means: by name or path, or the only one.
func (s *service) find(ctx context.Context, database string) (*messages.LookedAfter, *messages.Failure) {
	const op = "find the database"
	list, f := s.databases(ctx)
	if f != nil {
		return nil, f
	}
	database = s.named(database)
	if database == "" {
		if len(list.Databases) == 1 {
			return list.Databases[0], nil
		}
		return nil, messages.NewFailure("invalid", op, "several databases are looked after; name one of them").WithDid("Nothing was changed.")
	}
	for _, d := range list.Databases {
		if d.Name == database || d.Path == database {
			return d, nil
		}
	}
	return nil, messages.NewFailure("unknown_database", op, "%.200q is not looked after by this Officer", database).WithDid("Nothing was changed.")
}

// which gives its name.
func (s *service) which(ctx context.Context, database string) (string, *messages.Failure) {
	d, f := s.find(ctx, database)
	return d.GetName(), f
}

// ListDatabases gives what is looked after and what could not be.
func (s *service) ListDatabases(ctx context.Context, in *messages.ListDatabasesRequest) (*messages.ListDatabasesResponse, error) {
	return ask[*messages.ListDatabasesResponse](ctx, s, "", in)
}

// GetStatus gives everything about one database.
func (s *service) GetStatus(ctx context.Context, in *messages.GetStatusRequest) (*messages.Status, error) {
	return ask[*messages.Status](ctx, s, in.Database, &messages.GetStatus{})
}

// GetHealth gives colour, sentence and root causes.
func (s *service) GetHealth(ctx context.Context, in *messages.GetHealthRequest) (*messages.HealthReport, error) {
	return ask[*messages.HealthReport](ctx, s, in.Database, &messages.GetHealth{})
}

// ListBackups gives the backups, newest first.
func (s *service) ListBackups(ctx context.Context, in *messages.ListBackupsRequest) (*messages.BackupList, error) {
	return ask[*messages.BackupList](ctx, s, in.Database, &messages.ListBackups{})
}

// GetBackup gives one backup.
func (s *service) GetBackup(ctx context.Context, in *messages.GetBackupRequest) (*messages.Backup, error) {
	return ask[*messages.Backup](ctx, s, in.Database, &messages.FindBackup{Id: in.Id, BeforeUnixMs: in.BeforeUnixMs})
}

// Explain says why backups are kept and when they go.
func (s *service) Explain(ctx context.Context, in *messages.ExplainRequest) (*messages.RetentionReport, error) {
	return ask[*messages.RetentionReport](ctx, s, in.Database, &messages.ExplainRetention{Id: in.Id})
}

// Pin keeps a backup for ever.
func (s *service) Pin(ctx context.Context, in *messages.PinRequest) (*messages.Backup, error) {
	return ask[*messages.Backup](ctx, s, in.Database, &messages.PinBackup{Id: in.Id})
}

// Unpin gives it back to retention.
func (s *service) Unpin(ctx context.Context, in *messages.UnpinRequest) (*messages.Backup, error) {
	return ask[*messages.Backup](ctx, s, in.Database, &messages.UnpinBackup{Id: in.Id})
}

// GetLogs gives the newest records of the log.
func (s *service) GetLogs(ctx context.Context, in *messages.GetLogsRequest) (*messages.LogPage, error) {
	return ask[*messages.LogPage](ctx, s, in.Database, &messages.GetLogs{Level: in.Level, Limit: in.Limit, After: in.After})
}

// ListEvents gives events of the journal.
func (s *service) ListEvents(ctx context.Context, in *messages.ListEventsRequest) (*messages.EventPage, error) {
	return ask[*messages.EventPage](ctx, s, in.Database, &messages.GetEvents{After: in.After, Limit: in.Limit, Type: in.Type})
}

// GetMetrics gives what operations and statements take.
func (s *service) GetMetrics(ctx context.Context, in *messages.GetMetricsRequest) (*messages.MetricsReport, error) {
	return ask[*messages.MetricsReport](ctx, s, in.Database, &messages.GetMetrics{Name: in.Name})
}

// GetHistory gives the series of the plots.
func (s *service) GetHistory(ctx context.Context, in *messages.GetHistoryRequest) (*messages.History, error) {
	return ask[*messages.History](ctx, s, in.Database, &messages.GetHistory{SinceUnixMs: in.SinceUnixMs})
}

// ReportMetric tells of a finished operation of the app.
func (s *service) ReportMetric(ctx context.Context, in *messages.ReportMetricRequest) (*messages.MetricNoted, error) {
	return ask[*messages.MetricNoted](ctx, s, in.Database, &messages.ReportMetric{
		Name: in.Name, DurationUs: in.DurationUs, Failed: in.Failed, Shape: in.Shape, Rows: in.Rows,
	})
}

// GetDisk gives every volume that matters.
func (s *service) GetDisk(ctx context.Context, in *messages.GetDiskRequest) (*messages.DiskReport, error) {
	return ask[*messages.DiskReport](ctx, s, in.Database, &messages.GetDisk{})
}

// MayImport asks whether that many bytes may be added.
func (s *service) MayImport(ctx context.Context, in *messages.MayImportRequest) (*messages.SpaceVerdict, error) {
	if in.Bytes < 0 {
		return nil, carry(messages.NewFailure("invalid", "ask for room", "%d bytes cannot be added", in.Bytes))
	}
	return ask[*messages.SpaceVerdict](ctx, s, in.Database, &messages.MayUse{Purpose: "import", Bytes: in.Bytes})
}

// StartImport tells that the app begins a bulk import.
func (s *service) StartImport(ctx context.Context, in *messages.StartImportRequest) (*messages.ImportNoted, error) {
	return ask[*messages.ImportNoted](ctx, s, in.Database, &messages.ImportStarted{Name: in.Name, Bytes: in.Bytes})
}

// FinishImport tells that it is over.
func (s *service) FinishImport(ctx context.Context, in *messages.FinishImportRequest) (*messages.ImportNoted, error) {
	return ask[*messages.ImportNoted](ctx, s, in.Database, &messages.ImportFinished{Name: in.Name, Rows: in.Rows})
}

// GetWal gives the state of the write-ahead log.
func (s *service) GetWal(ctx context.Context, in *messages.GetWalRequest) (*messages.WalReport, error) {
	return ask[*messages.WalReport](ctx, s, in.Database, &messages.GetWal{})
}

// GetMaintenance gives what was done last.
func (s *service) GetMaintenance(ctx context.Context, in *messages.GetMaintenanceRequest) (*messages.MaintenanceStatus, error) {
	return ask[*messages.MaintenanceStatus](ctx, s, in.Database, &messages.GetMaintenance{})
}

// GetSchedule gives what is due when.
func (s *service) GetSchedule(ctx context.Context, in *messages.GetScheduleRequest) (*messages.ScheduleList, error) {
	return ask[*messages.ScheduleList](ctx, s, in.Database, &messages.GetSchedules{})
}

// GetConfig gives the settings in force.
func (s *service) GetConfig(ctx context.Context, in *messages.GetConfigRequest) (*messages.GetConfigResponse, error) {
	return ask[*messages.GetConfigResponse](ctx, s, "", in)
}

// ReloadConfig reads the configuration file again.
func (s *service) ReloadConfig(ctx context.Context, _ *messages.ReloadConfigRequest) (*messages.ConfigReloaded, error) {
	return within[*messages.ConfigReloaded](ctx, s, reloadWithin, "", &messages.ReloadConfig{})
}

// GetInfo names this Officer.
func (s *service) GetInfo(ctx context.Context, _ *messages.GetInfoRequest) (*messages.Info, error) {
	return ask[*messages.Info](ctx, s, "", &messages.GetInfo{})
}
