package gallery

import (
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/messages"
)

const (
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

func ago(d time.Duration) int64   { return time.Now().Add(-d).UnixMilli() }
func ahead(d time.Duration) int64 { return time.Now().Add(d).UnixMilli() }

// Scenes makes all of them.
func Scenes() []*Scene {
	return []*Scene{green(), yellow(), red(), young(), several(400), hostile(),
		{Name: "login", About: "a session that has ended", Refuse: 401},
		{Name: "gone", About: "nobody behind the proxy", Refuse: 502}}
}

func green() *Scene {
	s := &Scene{Name: "green", About: "a year of good care",
		all:       &messages.ListDatabasesResponse{Databases: []*messages.LookedAfter{{Name: "app", Path: "/srv/archive/app.db", Home: "/srv/archive/app.db-officer"}}},
		backups:   &messages.BackupList{Backups: shelf()},
		history:   &messages.History{Series: series()},
		schedules: schedules(), metrics: measured(), logs: records(), events: journal(),
	}
	s.status = &messages.Status{
		Database: "/srv/archive/app.db", Home: "/srv/archive/app.db-officer", OfficerVersion: "0.1.0", Pid: 4242, StartedAtUnixMs: ago(6 * day),
		Health:             &messages.HealthReport{Headline: "Your data is safe."},
		LastVerifiedBackup: s.backups.Backups[0], Backups: int32(len(s.backups.Backups)),
		Facts: &messages.DatabaseFacts{Path: "/srv/archive/app.db", PageSize: 4096, PageCount: 25_403, FreelistPages: 790, JournalMode: "wal",
			SizeBytes: 104_050_688, WalBytes: 2_400_000, Source: &messages.Source{WriterVersion: 3_053_002}, SqliteVersion: "3.53.2"},
		Owner: &messages.OwnerStatus{State: "open", Fence: &messages.FenceState{}},
		Integrity: &messages.IntegrityStatus{
			LastFull:        &messages.CheckReport{Verdict: "ok", Engine: "page", DurationMs: 210, CheckedAtUnixMs: ago(5 * hour)},
			LastForeignKeys: &messages.CheckReport{Verdict: "ok", Kind: messages.CheckKind_CHECK_KIND_FOREIGN_KEYS, DurationMs: 40, CheckedAtUnixMs: ago(2 * hour)}},
		Disk: &messages.DiskReport{Level: "ok", ReserveHeld: true, ReserveBytes: 16_777_216, CheckedAtUnixMs: ago(24 * minute), Volumes: []*messages.Volume{{
			Roles: []string{"database", "wal", "backups"}, Path: "/srv/archive", TotalBytes: 512e9, FreeBytes: 81_695_281_152, FreeInodes: 16e6, Level: "ok", NextJobBytes: 208e6, DaysUntilFull: 320}}},
		Wal: &messages.WalReport{JournalMode: "wal", WalBytes: 2_400_000, LimitBytes: 10e6, LastAtUnixMs: ago(11 * minute), EngineVersion: "3.53.2",
			Last: &messages.CheckpointOutcome{Complete: true, DurationMs: 12}},
		Maintenance: &messages.MaintenanceStatus{Pages: 25_403, FreePages: 790, IdleMs: 4000,
			LastVacuum:  &messages.MaintenanceReport{Kind: "vacuum", BeforeBytes: 131e6, AfterBytes: 98e6, DurationMs: 1900, AtUnixMs: ago(4 * day)},
			LastAnalyze: &messages.MaintenanceReport{Kind: "analyze", DurationMs: 120, AtUnixMs: ago(9 * hour)}},
		LastDrill: &messages.DrillReport{Backup: s.backups.Backups[0], Ok: true, RestoreMs: 1400, CheckMs: 320, AtUnixMs: ago(3 * minute)},
	}
	for _, name := range strings.Fields("logs health notify schedule metrics dbowner disk integrity wal backup maint recovery") {
		s.status.Actors = append(s.status.Actors, &messages.ActorStatus{Name: name, State: "running"})
	}
	return s
}

func yellow() *Scene {
	s := green()
	s.Name, s.About = "yellow", "three things to look at"
	s.status.Health = &messages.HealthReport{Health: messages.Severity_SEVERITY_YELLOW,
		Headline: "The app writes with SQLite 3.40.1, which can damage a database in WAL mode when two connections meet at a reset of the WAL. Update it to 3.51.3 or newer.",
		Conditions: []*messages.Condition{
			{Code: "engine_hazard", System: "wal", Severity: messages.Severity_SEVERITY_YELLOW, SinceUnixMs: ago(3 * day), Hint: "https://sqlite.org/wal.html#the_wal_reset_bug",
				Text: "The app writes with SQLite 3.40.1, which can damage a database in WAL mode when two connections meet at a reset of the WAL. Update it to 3.51.3 or newer."},
			{Code: "wal_blocked", System: "wal", Severity: messages.Severity_SEVERITY_YELLOW, SinceUnixMs: ago(7 * minute), Hint: "End its read transaction, or the process: kill 3121",
				Text: "python3 (3121) keeps the WAL from being emptied; it has grown to 48 MB."},
			{Code: "disk_low", System: "disk", Severity: messages.Severity_SEVERITY_YELLOW, SinceUnixMs: ago(2 * hour), Hint: "du -h -d 2 /srv/archive",
				Text: "The disk runs full: 870 MB are left on the volume of /srv/archive (database, wal, backups)."},
			{Code: "drill_overdue", System: "backup", Severity: messages.Severity_SEVERITY_YELLOW, SinceUnixMs: ago(day), Hint: "officer drill /srv/archive/app.db",
				Text: "No restore drill proved a backup for 16 days; one is due every 168 h."},
			{Code: "wal_passive", System: "wal", SinceUnixMs: ago(6 * day), Text: "Litestream owns the checkpoints: Officer moves pages of the WAL only when that is in nobody's way."},
		}}
	v := s.status.Disk.Volumes[0]
	v.FreeBytes, v.DaysUntilFull, s.status.Disk.Level = 870e6, 9, "low"
	s.status.Wal.WalBytes, s.status.Wal.EngineHazard = 48e6, "SQLite 3.40.1 can damage a database in WAL mode; 3.51.3 or newer does not"
	s.status.Wal.Hostages = []*messages.Hostage{{Pid: 3121, Command: "python3", SinceUnixMs: ago(7 * minute), Pages: 11_718}}
	s.status.LastDrill.AtUnixMs, s.status.LastDrill.Backup = ago(16*day), s.backups.Backups[3]
	s.backups.Backups[4].Verified, s.backups.Backups[4].Verdict = false, "damaged"
	for _, q := range s.history.Series {
		if q.Name == "free_bytes" {
			for i, p := range q.Points {
				p.Value = 870e6 + 4e9*float64(len(q.Points)-1-i)/float64(len(q.Points))
			}
		}
	}
	return s
}

func red() *Scene {
	s := green()
	s.Name, s.About = "red", "damage found, writes held back"
	detail := "Tree 12 page 8211: btreeInitPage() returns error code 11"
	s.status.Health = &messages.HealthReport{Health: messages.Severity_SEVERITY_RED,
		Headline: "The database is damaged. Writes are held back so that it cannot get worse.",
		Conditions: []*messages.Condition{
			{Code: "damage_found", System: "integrity", Severity: messages.Severity_SEVERITY_RED, SinceUnixMs: ago(90 * time.Second), Hint: "officer restore /srv/archive/app.db",
				Text: "The database is damaged: locations: " + detail + ". Writes are held back so that it cannot get worse."},
			{Code: "evidence_kept", System: "recovery", Severity: messages.Severity_SEVERITY_YELLOW, SinceUnixMs: ago(80 * time.Second), Hint: "officer restore /srv/archive/app.db",
				Text: "The damaged files are kept in /srv/archive/app.db-officer/quarantine/20261122T174539Z; nothing was restored yet."},
		}}
	damage := &messages.CheckReport{Verdict: "damaged", DurationMs: 190, CheckedAtUnixMs: ago(90 * time.Second),
		Findings: []*messages.Finding{{Kind: "page", Object: "locations", Page: 8211, Detail: detail}, {Kind: "index", Object: "locations_by_city", Detail: "row 4411 missing from index locations_by_city"}}}
	s.status.Integrity.LastFull, s.status.Integrity.Suspect, s.status.Integrity.SuspectSinceUnixMs = damage, true, ago(90*time.Second)
	s.status.Owner.Fence = &messages.FenceState{Active: true, Held: true, Reasons: []string{"damage"}, SinceUnixMs: ago(89 * time.Second)}
	suspect := proto.CloneOf(s.backups.Backups[0])
	suspect.Id, suspect.Tier, suspect.Verified, suspect.Verdict, suspect.TakenAtUnixMs, suspect.KeepReason = "20261122T174601Z", "suspect", false, "suspect", ago(60*time.Second), "taken while the database was damaged"
	s.backups.Backups = append([]*messages.Backup{suspect}, s.backups.Backups...)
	s.events = append(s.events,
		&messages.Event{Type: "integrity.damage_found", Body: &messages.Event_DamageFound{DamageFound: &messages.DamageFound{Report: damage}}},
		&messages.Event{Type: "fence.raised", Body: &messages.Event_FenceChanged{FenceChanged: &messages.FenceChanged{Active: true, Reason: "damage"}}},
		&messages.Event{Type: "health.changed", Body: &messages.Event_HealthChanged{HealthChanged: &messages.HealthChanged{Report: s.status.Health}}})
	number(s.events)
	return s
}

func young() *Scene {
	s := green()
	s.Name, s.About = "young", "the first seconds: nothing proved yet"
	s.backups, s.history, s.metrics, s.logs = &messages.BackupList{}, &messages.History{}, &messages.MetricsReport{}, nil
	s.events = s.events[:1]
	s.status.LastVerifiedBackup, s.status.LastDrill, s.status.Backups = nil, nil, 0
	s.status.Integrity, s.status.Maintenance, s.status.Disk = &messages.IntegrityStatus{}, &messages.MaintenanceStatus{}, nil
	s.status.Wal = &messages.WalReport{JournalMode: "delete"}
	s.status.Facts.JournalMode, s.status.StartedAtUnixMs = "delete", ago(2*time.Second)
	return s
}

func several(n int) *Scene {
	s := green()
	s.Name, s.About = "several", fmt.Sprintf("%d databases, a few of them sick", n)
	s.all = &messages.ListDatabasesResponse{Problems: []*messages.Unwatched{{Path: "/srv/tenants/locked.db",
		Failure: messages.NewFailure("locked_home", "take on a database", "another Officer (0.0.9, process 812) looks after this database").WithHints("officer status /srv/tenants/locked.db")}}}
	for i := range n {
		d := &messages.LookedAfter{Name: fmt.Sprintf("tenant-%d", i+1), Path: fmt.Sprintf("/srv/tenants/%03d/tenant-%d.db", i/10, i+1), Headline: "Your data is safe. The newest backup that Officer opened, checked and compared is 41 min old."}
		switch i {
		case 113:
			d.Health, d.Headline = messages.Severity_SEVERITY_RED, "The database is damaged. Writes are held back so that it cannot get worse."
		case 7, 256:
			d.Health, d.Headline = messages.Severity_SEVERITY_YELLOW, "A backup is overdue."
		case 30:
			d.Name = strings.Repeat("a-very-long-name-that-somebody-generated-", 5)
		}
		s.all.Databases = append(s.all.Databases, d)
	}
	return s
}

// hostile is full of what must stay text.
func hostile() *Scene {
	s := yellow()
	s.Name, s.About = "hostile", "names and words that try to be HTML, or are very long"
	evil := `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	long := strings.Repeat("LongWithoutAnySpace", 12)
	s.all.Databases[0].Name, s.all.Databases[0].Path = evil, "/srv/"+evil
	s.status.Facts.Path = "/srv/" + evil + long
	s.status.Health.Headline = evil + " " + long
	for _, c := range s.status.Health.Conditions {
		c.Text, c.Hint = c.Text+evil+long, "officer backup '"+evil+"'"
	}
	for _, b := range s.backups.Backups {
		b.KeepReason, b.Reason, b.File, b.Path = evil+long, evil, evil, "/srv/"+evil+long
		b.Content.Tables = append(b.Content.Tables, &messages.Table{Name: evil + long, Rows: 7}, &messages.Table{Name: "\u202etxt.exe", Rows: 1})
	}
	for _, r := range s.logs {
		r.Message, r.Component, r.Context = evil+long, evil, `{"a":"`+long+`"}`
	}
	s.events = append(s.events, &messages.Event{Type: "actor.restarted", Body: &messages.Event_ActorRestarted{ActorRestarted: &messages.ActorRestarted{Actor: evil + long}}})
	number(s.events)
	s.status.LastVerifiedBackup = s.backups.Backups[0]
	return s
}

// shelf is what retention leaves after a year.
func shelf() []*messages.Backup {
	ages := []time.Duration{12 * minute, 19 * hour, 4 * day, 22 * day, 53 * day, 83 * day, 114 * day, 145 * day, 175 * day, 206 * day, 236 * day, 267 * day, 298 * day, 326 * day, 357 * day, 498 * day}
	var out []*messages.Backup
	for i, age := range ages {
		at := time.Now().Add(-age)
		shrunk := math.Exp(-float64(i) * .06)
		b := &messages.Backup{Id: at.UTC().Format("20060102T150405Z"), Tier: "monthly", Reason: "scheduled", TakenAtUnixMs: at.UnixMilli(),
			SizeBytes: int64(103_800_000 * shrunk), PageSize: 4096, Sha256: strings.Repeat(fmt.Sprintf("%02x", 17*i%256), 32), Verified: true, Verdict: "verified",
			CopyMs: 420, VerifyMs: 810, WorstWriterStallMs: 3, LastVerdictAtUnixMs: ago(min(age, time.Duration(i)*9*hour)),
			KeepReason: "the first backup of " + at.Format("January 2006"), ExpiresAtUnixMs: at.Add(398 * day).UnixMilli(),
			ExpiresBecause: "the next backup does not make it go; with a backup every day it goes about " + at.Add(398*day).Format("2 Jan 2006"),
			Content: &messages.Content{Tables: []*messages.Table{{Name: "articles", Rows: int64(34_000 * shrunk)}, {Name: "authors", Rows: int64(2_140 * shrunk)},
				{Name: "images", Rows: int64(340_000 * shrunk)}, {Name: "locations", Rows: int64(170_000 * shrunk)}, {Name: "tags", Rows: 500}}}}
		b.File = fmt.Sprintf("%d/%s/app-%s.db", at.Year(), b.Tier, b.Id)
		b.Path = "/srv/archive/app.db-officer/backups/" + b.File
		out = append(out, b)
	}
	out[0].Tier, out[0].KeepReason, out[0].ExpiresAtUnixMs = "recent", "the newest verified backup", 0
	out[1].Tier, out[1].KeepReason, out[1].ExpiresAtUnixMs = "daily", "the last backup of yesterday", ahead(2*day)
	out[2].Tier, out[2].KeepReason, out[2].ExpiresAtUnixMs = "weekly", "the first backup of the week from Sunday", ahead(9*day)
	out[5].Pinned, out[5].KeepReason, out[5].Reason = true, "pinned by hand", "before the move to the new importer"
	out[15].Tier, out[15].KeepReason = "yearly", "the first backup of last year"
	return out
}

func series() []*messages.Series {
	const points = 30 * 24
	out := []*messages.Series{{Name: "database_bytes", Unit: "bytes"}, {Name: "wal_bytes", Unit: "bytes"}, {Name: "free_bytes", Unit: "bytes"},
		{Name: "rows:articles", Unit: "rows"}, {Name: "rows:images", Unit: "rows"}, {Name: "rows:locations", Unit: "rows"}, {Name: "rows:tags", Unit: "rows"},
		{Name: "duration_ms:backup.copy", Unit: "ms"}, {Name: "duration_ms:backup.verify", Unit: "ms"}, {Name: "duration_ms:check.full", Unit: "ms"}}
	for i := range points + 1 {
		at, x := ago(time.Duration(points-i)*hour), float64(i)/points
		wave, saw := math.Sin(float64(i)/3.7), float64(i%24)/24
		values := []float64{96e6 + 8e6*x + 4e5*wave, 3e5 + 8e6*saw*saw*(.6+.4*math.Abs(wave)), 84e9 - 2.3e9*x + 1e8*wave,
			31_800 + 2_312*x, 331_000 + 9_870*x, 168_900 + 1_100*x, 496}
		if i > points*6/7 {
			values[0] -= 1e6
		}
		for k, v := range values {
			out[k].Points = append(out[k].Points, &messages.Point{TimeUnixMs: at, Value: v})
		}
		if i%4 == 0 {
			for k, v := range []float64{420 + 40*wave, 810 + 60*math.Cos(float64(i)), 210 + 15*wave} {
				out[7+k].Points = append(out[7+k].Points, &messages.Point{TimeUnixMs: at, Value: v})
			}
		}
	}
	return out
}

func schedules() *messages.ScheduleList {
	list := &messages.ScheduleList{}
	for key, in := range map[string]time.Duration{"backup": 3*hour + 48*minute, "backup.drill": 5 * day, "backup.scrub": 7 * hour, "integrity.full": 19 * hour,
		"integrity.foreign_keys": 4 * hour, "disk": 36 * minute, "maint.vacuum": 3 * day, "maint.analyze": 15 * hour} {
		list.Schedules = append(list.Schedules, &messages.ScheduleState{Owner: key, Key: key, NextUnixMs: ahead(in)})
	}
	return list
}

func measured() *messages.MetricsReport {
	out := &messages.MetricsReport{}
	for i, name := range []string{"backup.copy", "backup.verify", "check.full", "check.foreign_keys", "wal.checkpoint", "start"} {
		out.Operations = append(out.Operations, &messages.OperationMetrics{Name: name, Count: 100, P50Ms: float64(40 * (i + 1)), P95Ms: float64(60 * (i + 1)), BudgetMs: 5000})
	}
	return out
}

func records() []*messages.LogRecord {
	lines := []struct{ level, component, message, context string }{
		{"info", "integrity", "database checked", `{"kind":"full","verdict":"ok","duration_ms":210}`},
		{"debug", "wal", "looked", ""},
		{"warn", "metrics", "a statement took longer than its budget", `{"shape":"SELECT * FROM images WHERE city = ?","duration_ms":6100}`},
		{"info", "backup", "backup taken", `{"id":"20261122T174539Z","tier":"recent","size_bytes":103800000}`},
		{"info", "backup", "restore drill", `{"ok":true,"restore_ms":1400}`},
		{"info", "disk", "disk looked at", `{"free_bytes":81695281152}`},
	}
	var out []*messages.LogRecord
	for i := range 90 {
		l := lines[i%len(lines)]
		out = append(out, &messages.LogRecord{Sequence: uint64(i + 1), TimeUnixMs: ago(time.Duration(90-i) * 17 * minute), Level: l.level, Component: l.component, Message: l.message, Context: l.context})
	}
	return out
}

func journal() []*messages.Event {
	out := []*messages.Event{{Type: "officer.started", Body: &messages.Event_Lifecycle{Lifecycle: &messages.Lifecycle{State: "started"}}}}
	for i := range 30 {
		b := &messages.Backup{Id: "20261122T174539Z", SizeBytes: 103_800_000, CopyMs: 420, VerifyMs: 810, TakenAtUnixMs: ago(time.Duration(30-i) * 4 * hour)}
		out = append(out,
			&messages.Event{Type: "wal.checkpointed", Body: &messages.Event_WalCheckpointed{WalCheckpointed: &messages.WalCheckpointed{Outcome: &messages.CheckpointOutcome{Complete: true, WalBytesBefore: 4_100_000}}}},
			&messages.Event{Type: "backup.verified", Body: &messages.Event_BackupTaken{BackupTaken: &messages.BackupTaken{Backup: b}}})
		if i%6 == 5 {
			out = append(out, &messages.Event{Type: "integrity.checked", Body: &messages.Event_IntegrityChecked{IntegrityChecked: &messages.IntegrityChecked{Report: &messages.CheckReport{Verdict: "ok", DurationMs: 210}}}},
				&messages.Event{Type: "backup.pruned", Body: &messages.Event_BackupPruned{BackupPruned: &messages.BackupPruned{Dropped: &messages.DroppedBackup{Id: "20261122T134500Z", Reason: "replaced as recent by the backup of 22 Nov 2026 17:45"}}}})
		}
	}
	out = append(out, &messages.Event{Type: "drill.finished", Body: &messages.Event_DrillFinished{DrillFinished: &messages.DrillFinished{Report: &messages.DrillReport{Ok: true, RestoreMs: 1400, CheckMs: 320, Backup: &messages.Backup{Id: "20261122T174539Z"}}}}})
	number(out)
	return out
}

// number gives events their sequence and times that end now.
func number(events []*messages.Event) {
	for i, e := range events {
		e.Sequence, e.Database = uint64(i+1), "app"
		if e.TimeUnixMs == 0 {
			e.TimeUnixMs = ago(time.Duration(len(events)-i) * 2 * hour)
		}
	}
}
