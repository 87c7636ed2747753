package supervisor

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func messageNames() map[string]bool {
	names := map[string]bool{}
	for _, file := range []protoreflect.FileDescriptor{
		messages.File_officer_v1_backup_proto, messages.File_officer_v1_integrity_proto, messages.File_officer_v1_recovery_proto,
		messages.File_officer_v1_dbowner_proto, messages.File_officer_v1_health_proto, messages.File_officer_v1_logs_proto,
		messages.File_officer_v1_disk_proto,
		messages.File_officer_v1_schedule_proto, messages.File_officer_v1_events_proto, messages.File_officer_v1_control_proto,
		messages.File_officer_v1_wal_proto, messages.File_officer_v1_api_proto,
		messages.File_officer_v1_maint_proto, messages.File_officer_v1_metrics_proto,
	} {
		for i := range file.Messages().Len() {
			names[string(file.Messages().Get(i).Name())] = true
		}
	}
	return names
}

func TestSystems_speakOfMessagesThatExist(t *testing.T) {
	names, taken := messageNames(), map[string]string{}
	for _, s := range systems() {
		for _, word := range append(append([]string{}, s.takes...), s.hears...) {
			if !names[word] {
				t.Errorf("%s speaks of %s, which is no message", s.name, word)
			}
		}
		for _, word := range s.takes {
			if taken[word] != "" {
				t.Errorf("%s goes to %s and to %s", word, taken[word], s.name)
			}
			taken[word] = s.name
		}
	}
	// Every request that a verb can send must reach somebody.
	fields := (&messages.CallRequest{}).ProtoReflect().Descriptor().Oneofs().ByName("request").Fields()
	for i := range fields.Len() {
		name := string(fields.Get(i).Message().Name())
		elsewhere := []string{"GetStatus", "GetEvents", "GetInfo", "ReloadConfig", "StopOfficer"} // the tree, and whoever started it
		if !slices.Contains(elsewhere, name) && taken[name] == "" {
			t.Errorf("nobody takes %s", name)
		}
	}
}

func TestSystems_declareConditionsThatFitTogether(t *testing.T) {
	r, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range systems() {
		if d, ok := r.Find("actor_gave_up:" + "backup"); !ok || d.Text == "" {
			t.Errorf("no condition for %s given up", s.name)
		}
	}
}

// A checkpoint of gigabytes is slow because somebody keeps the log from being emptied: that is what has to be said.
func TestSystems_aBlockedLogIsNamedAndNotThatItIsSlow(t *testing.T) {
	r, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	var s condition.State
	for _, raised := range []struct {
		code condition.Code
		args condition.Args
	}{
		{"budget_exceeded", condition.Args{"operations": "wal.checkpoint", "database": "app.db"}},
		{"wal_large", condition.Args{"size": "4 GB", "limit": "10 MB", "database": "app.db"}},
		{"wal_blocked", condition.Args{"who": "Process 7", "size": "4 GB", "hint": "ps 7"}},
	} {
		if s, err = s.Raise(r, raised.code, raised.args, at); err != nil {
			t.Fatal(err)
		}
	}
	visible := s.Visible(r, at.Add(time.Hour))
	if len(visible) != 1 || visible[0].Code != "wal_blocked" {
		t.Errorf("got %+v, want the cause alone", visible)
	}
}

func TestEvents_everyBodyOfTheProtocolHasAType(t *testing.T) {
	oneof := (&messages.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range oneof.Len() {
		f := oneof.Get(i)
		body := (&messages.Event{}).ProtoReflect().NewField(f).Message().Interface()
		if f.Message().Name() == "Progress" {
			continue // shown to subscribers, not an event of the log
		}
		e := eventOf(body)
		if e == nil || e.Type == "" || e.ProtoReflect().WhichOneof(f.ContainingOneof()) == nil {
			t.Errorf("%s is no event of the tree", f.Message().Name())
		}
	}
}

func TestSQLiteVersion_isTheEngines(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got string
	if err := db.QueryRow(`SELECT sqlite_version()`).Scan(&got); err != nil || got != SQLiteVersion {
		t.Errorf("got %s, %v; want %s", got, err, SQLiteVersion)
	}
}

func TestPlaces_namesAndHomes(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, tc := range []struct {
		name  string
		cfg   Config
		names string
		homes []string
	}{
		{"beside the file", Config{Databases: []Database{{Path: in("app.db")}}}, "app", []string{in("app.db-officer")}},
		{"one with a home", Config{Home: in("h"), Databases: []Database{{Path: in("app.db")}}}, "app", []string{in("h")}},
		{"two with a home", Config{Home: in("h"), Databases: []Database{{Path: in("a.db")}, {Path: in("b.db")}}}, "a b", []string{in("h/a"), in("h/b")}},
		{"clashes, also by case", Config{Home: in("h"), Databases: []Database{{Path: in("a.db")}, {Path: in("x/A.db")}, {Path: in("y/a.sqlite")}}},
			"a A-2 a-3", []string{in("h/a"), in("h/A-2"), in("h/a-3")}},
		{"hidden", Config{Databases: []Database{{Path: in(".db")}}}, ".db", []string{in(".db-officer")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := placesOf(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i, p := range got {
				names = append(names, p.name)
				if p.home != tc.homes[i] {
					t.Errorf("got home %s, want %s", p.home, tc.homes[i])
				}
			}
			if s := strings.Join(names, " "); s != tc.names && tc.name != "hidden" {
				t.Errorf("got names %s, want %s", s, tc.names)
			}
		})
	}
	for _, bad := range []Config{{}, {Databases: []Database{{}}}, {Databases: []Database{{Path: "a.db"}, {Path: "./a.db"}}}} {
		var f *messages.Failure
		if _, err := placesOf(bad); !errors.As(err, &f) || f.Code != "invalid" {
			t.Errorf("%v: got %v, want invalid", bad.Databases, err)
		}
	}
}

func TestLook_neverCreatesADatabase(t *testing.T) {
	dir := t.TempDir()
	p := place{path: filepath.Join(dir, "app.db"), home: filepath.Join(dir, "home")}
	code := func(allow bool) string {
		var f *messages.Failure
		if err := p.look(fsx.OS(), allow); errors.As(err, &f) {
			return f.Code
		}
		return ""
	}
	if got := code(false); got != "missing" {
		t.Errorf("got %q, want missing", got)
	}
	if err := os.MkdirAll(filepath.Join(p.backupDir(), "2026", "recent"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.backupDir(), "2026", "recent", "app-20260101T000000Z.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := code(false); got != "database_missing" {
		t.Errorf("got %q, want database_missing", got)
	}
	if got := code(true); got != "" {
		t.Errorf("got %q for a restore, want none", got)
	}
	if _, err := os.Stat(p.path); !os.IsNotExist(err) {
		t.Errorf("a file is there now: %v", err)
	}
	p.path = dir
	if got := code(false); got != "invalid" {
		t.Errorf("got %q for a folder, want invalid", got)
	}
}

func TestRouter_writesIntoTheBookOfTheDatabaseItSpeaksOf(t *testing.T) {
	var app, rest bytes.Buffer
	r := newRoutes(slog.New(slog.NewTextHandler(&rest, nil)))
	r.add("app", slog.NewTextHandler(&app, nil))
	log := r.logger()
	log.Error("crash", slog.String("actor", "officer/app/backup"))
	log.With(slog.Any("self", actor.NewPID("x", "officer/app/dbowner/worker"))).Warn("by pid")
	log.Error("elsewhere", slog.String("actor", "officer/other/backup"))
	log.Info("[DeadLetter]", slog.Any("pid", actor.NewPID("x", "officer/app/backup")), slog.String("message", "secret"))
	for _, want := range []string{"crash", "component=backup", "by pid", "component=dbowner"} {
		if !strings.Contains(app.String(), want) {
			t.Errorf("the book lacks %q: %s", want, app.String())
		}
	}
	if !strings.Contains(rest.String(), "elsewhere") || strings.Contains(app.String(), "elsewhere") {
		t.Errorf("another database's record went astray: %s / %s", app.String(), rest.String())
	}
	if strings.Contains(app.String()+rest.String(), "secret") {
		t.Error("the contents of a lost message were logged")
	}
}
