package report

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/officer-doofy/officer/messages"
)

// Whoever reads the JSON must not have to ask whether a list is there.
func TestReport_listsAreNeverNull(t *testing.T) {
	status := &messages.Status{Integrity: &messages.IntegrityStatus{LastFull: &messages.CheckReport{}}, LastDrill: &messages.DrillReport{},
		LastVerifiedBackup: &messages.Backup{}, Disk: &messages.DiskReport{Volumes: []*messages.Volume{{Roles: []string{"database"}}}}}
	for _, v := range []Body{StatusOf(&messages.Status{}, "/app.db", true), StatusOf(status, "/app.db", true), HealthOf(nil, "app"), BackupsOf(nil),
		FailureOf(messages.NewFailure("x", "y", "z"), Failed)} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{"conditions", "disk", "actors", "backups", "hints", "tables", "findings", "foreign_keys", "rules", "hostages", "freeable"} {
			if strings.Contains(string(b), `"`+list+`":null`) {
				t.Errorf("%T: %s is null: %s", v, list, b)
			}
		}
	}
}

func TestStatusOf_endsWithTheCodeOfTheColour(t *testing.T) {
	for severity, want := range map[messages.Severity]Head{
		messages.Severity_SEVERITY_GREEN:  {"result", true, 0},
		messages.Severity_SEVERITY_YELLOW: {"result", true, 3},
		messages.Severity_SEVERITY_RED:    {"result", false, 4},
	} {
		if got := StatusOf(&messages.Status{Health: &messages.HealthReport{Health: severity}}, "", true).Head; got != want {
			t.Errorf("%v: got %+v, want %+v", severity, got, want)
		}
	}
}

// Every event has a sentence of its own, and none fails without its content.
func TestEventText_saysSomethingOfEveryEvent(t *testing.T) {
	fields := (&messages.Event{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range fields.Len() {
		e := &messages.Event{Type: "some.type"}
		m := e.ProtoReflect()
		m.Set(fields.Get(i), protoreflect.ValueOfMessage(m.NewField(fields.Get(i)).Message()))
		got := EventText(e)
		if (got == "" || got == e.Type) && fields.Get(i).Name() != "health_changed" && fields.Get(i).Name() != "lifecycle" {
			t.Errorf("%s has no sentence: %q", fields.Get(i).Name(), got)
		}
	}
	if got := EventText(proto.CloneOf(&messages.Event{Type: "newer.kind"})); got != "newer.kind" {
		t.Errorf("an event that is not known: got %q, want its type", got)
	}
}

func TestEventText_ofARecoverySaysWhatItCost(t *testing.T) {
	e := &messages.Event{Type: "recovery.finished", Body: &messages.Event_RestoreFinished{RestoreFinished: &messages.RestoreFinished{Report: &messages.RestoreReport{
		Layer: "merge", SetAside: 1, Recovered: []*messages.RecoveredTable{{RowsKept: 90, RowsFromBase: 3, RowsUncertain: 4, RowsConfirmed: 86, RowsUnconfirmed: 2, RowsUndated: 1, RowsDoubted: 1}, {RowsSalvaged: 5, RowsLostEstimate: 2, RowsConfirmed: 5}}}}}}
	if got, want := EventText(e), "recovered (merge): 91 rows confirmed, 3 whole but unconfirmed, 1 doubted, 3 from a backup, about 2 lost, 1 set aside"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindingText_namesThePageUnlessItIsNamed(t *testing.T) {
	for _, c := range []struct {
		object string
		page   int64
		detail string
		want   string
	}{
		{"", 7, "every page is in use", "page 7: every page is in use"},
		{"orders", 7, "cells do not overlap", "orders, page 7: cells do not overlap"},
		{"orders", 7, "Tree 3 page 7: btreeInitPage() returns error code 11", "orders: Tree 3 page 7: btreeInitPage() returns error code 11"},
		{"orders", 0, "row 3 is missing from index by_day", "orders: row 3 is missing from index by_day"},
		{"", 0, "the header is short", "the header is short"},
	} {
		if got := FindingText(c.object, c.page, c.detail); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEventText_saysWhatWasCheckedAndMaintained(t *testing.T) {
	checked := func(kind messages.CheckKind, verdict string) *messages.Event {
		return &messages.Event{Body: &messages.Event_IntegrityChecked{IntegrityChecked: &messages.IntegrityChecked{
			Report: &messages.CheckReport{Kind: kind, Verdict: verdict}}}}
	}
	done := func(r *messages.MaintenanceReport) *messages.Event {
		return &messages.Event{Body: &messages.Event_MaintenanceDone{MaintenanceDone: &messages.MaintenanceDone{Report: r}}}
	}
	for want, e := range map[string]*messages.Event{
		"full check: ok":                                 checked(messages.CheckKind_CHECK_KIND_FULL, "ok"),
		"quick check: damaged":                           checked(messages.CheckKind_CHECK_KIND_QUICK, "damaged"),
		"foreign keys checked: cannot judge":             checked(messages.CheckKind_CHECK_KIND_FOREIGN_KEYS, "cannot_judge"),
		"statistics renewed in 8 ms":                     done(&messages.MaintenanceReport{Kind: "analyze", DurationMs: 8}),
		"vacuum in 0.2 s: 1.0 MB, was 3.0 MB":            done(&messages.MaintenanceReport{Kind: "vacuum", DurationMs: 200, BeforeBytes: 3e6, AfterBytes: 1e6}),
		"incremental vacuum in 1 ms: 1.0 MB, was 3.0 MB": done(&messages.MaintenanceReport{Kind: "incremental_vacuum", DurationMs: 1, BeforeBytes: 3e6, AfterBytes: 1e6}),
		"vacuum left out: it does not pay": {Body: &messages.Event_MaintenanceSkipped{MaintenanceSkipped: &messages.MaintenanceSkipped{
			Report: &messages.MaintenanceReport{Kind: "vacuum", Because: "it does not pay"}}}},
		"query took 6.0 s, its budget is 5.0 s: SELECT ?": {Body: &messages.Event_QuerySlow{QuerySlow: &messages.QuerySlow{
			Name: "query", Shape: "SELECT ?", DurationMs: 6000, BudgetMs: 5000}}},
		"app.sync took 6.0 s, its budget is 5.0 s": {Body: &messages.Event_QuerySlow{QuerySlow: &messages.QuerySlow{
			Name: "app.sync", DurationMs: 6000, BudgetMs: 5000}}},
	} {
		if got := EventText(e); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
