package retention

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestExplain_golden shows what people read, one file a case: testdata/{case}.golden.
func TestExplain_golden(t *testing.T) {
	berlin := mustZone(t, "Europe/Berlin")
	at := func(text string) time.Time {
		tm, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return tm
	}
	taken := func(times ...string) []Backup {
		var out []Backup
		for _, text := range times {
			out = append(out, Backup{ID: at(text).UTC().Format("20060102T150405Z"), TakenAt: at(text), Verified: true})
		}
		return out
	}
	with := func(backups []Backup, i int, change func(*Backup)) []Backup {
		change(&backups[i])
		return backups
	}
	fullHouse := func() []Backup {
		w := newWorld(t, berlin)
		for day := range 500 {
			w.cycle(time.Date(2025, 7, 12+day, 12, 0, 0, 0, berlin), 0, true, false)
		}
		for i, b := range w.backups {
			w.backups[i].ID = b.TakenAt.UTC().Format("20060102T150405Z")
		}
		return w.backups
	}
	busyDay := taken("2026-11-23 08:00", "2026-11-23 12:00", "2026-11-23 16:00", "2026-11-23 20:00")
	for _, c := range []struct {
		name    string
		backups []Backup
		s       Situation
		p       Policy
	}{
		{name: "no_backup_yet", s: Situation{Now: at("2026-11-23 09:00")}},
		{name: "first_backup", backups: taken("2026-11-23 08:00")},
		{name: "third_backup_of_the_first_day", backups: taken("2026-11-23 08:00", "2026-11-23 12:00", "2026-11-23 16:00")},
		{name: "second_day", backups: taken("2026-11-23 08:00", "2026-11-23 20:00", "2026-11-24 08:00")},
		{name: "sunday_the_first", backups: taken("2026-10-31 12:00", "2026-11-01 09:00", "2026-11-01 12:00", "2026-11-02 09:00")},
		{name: "machine_off_for_weeks", backups: taken("2026-10-05 12:00", "2026-10-06 12:00", "2026-11-18 12:00", "2026-11-23 12:00")},
		{name: "full_house", backups: append(fullHouse(), taken("2026-11-24 12:00")...)},
		{name: "full_house_same_day_again", backups: append(fullHouse(), taken("2026-11-23 18:00", "2026-11-23 20:00")...)},
		{name: "clock_set_back", backups: busyDay, s: Situation{Now: at("2026-11-23 12:01"), LastNow: at("2026-11-23 20:00")}},
		{name: "clock_jumped_ahead", backups: append(fullHouse(), taken("2026-12-24 12:00")...),
			s: Situation{Now: at("2026-12-24 12:00"), LastNow: at("2026-11-23 12:00"), Elapsed: 4 * time.Hour}},
		{name: "live_database_suspect", backups: append(fullHouse(), taken("2026-11-24 12:00")...), s: Situation{LiveSuspect: true}},
		{name: "nothing_verified_since", backups: append(fullHouse(), taken("2026-11-24 12:00")...), s: Situation{VerifiedID: "-"}},
		{name: "pinned_and_set_aside", backups: with(with(with(with(taken("2026-11-20 08:00", "2026-11-21 08:00", "2026-11-22 08:00", "2026-11-23 08:00", "2026-12-23 08:00", "2026-11-23 08:30"),
			0, func(b *Backup) { b.Pinned = true }), 1, func(b *Backup) { b.Suspect = true }), 2, func(b *Backup) { b.Quarantined = true }), 5, func(b *Backup) { b.Verified = false }),
			s: Situation{Now: at("2026-11-23 09:00")}},
		{name: "generous_policy", p: Policy{Recent: 3, Daily: 7, Weekly: 4, Monthly: 6, Yearly: 2},
			backups: taken("2024-03-01 12:00", "2025-01-02 12:00", "2026-10-01 12:00", "2026-10-25 12:00", "2026-11-01 12:00", "2026-11-08 12:00", "2026-11-15 12:00",
				"2026-11-19 12:00", "2026-11-20 12:00", "2026-11-21 12:00", "2026-11-22 12:00", "2026-11-23 06:00", "2026-11-23 08:00", "2026-11-23 10:00", "2026-11-23 12:00")},
		{name: "smallest_policy", p: Policy{Recent: 1}, backups: busyDay},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := c.s, c.p
			s.Location = berlin
			if s.Now.IsZero() {
				s.Now = c.backups[len(c.backups)-1].TakenAt
			}
			if s.VerifiedID == "" {
				for _, b := range c.backups {
					if eligible(b, s.Now) {
						s.VerifiedID = b.ID
					}
				}
			}
			if p == (Policy{}) {
				p = Default()
			}
			d := Explain(s, c.backups, p)
			checkInvariants(t, s, c.backups, p, d)
			compareGolden(t, c.name, render(d, berlin))
		})
	}
}

func render(d Decision, loc *time.Location) string {
	var b strings.Builder
	if d.Held != "" {
		fmt.Fprintf(&b, "HELD %s\n\n", d.Held)
	}
	for _, k := range d.Keep {
		held := ""
		if k.Held {
			held = " (held)"
		}
		fmt.Fprintf(&b, "keep %s %s%s\n     why:  %s\n     goes: %s\n", k.ID, k.Tier, held, k.Reason, k.Goes)
	}
	for _, x := range d.Drop {
		fmt.Fprintf(&b, "DROP %s from %q\n     why:  %s\n", x.ID, x.From, x.Reason)
	}
	return b.String()
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (go test -update writes it anew)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestPolicy_refusesNonsense(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Policy
		ok   bool
	}{
		{"default", Default(), true},
		{"only recent", Policy{Recent: 1}, true},
		{"no recent", Policy{Daily: 7}, false},
		{"negative", Policy{Recent: 1, Weekly: -1}, false},
		{"absurd", Policy{Recent: 1, Daily: 1001}, false},
		{"absurd in sum", Policy{Recent: 600, Daily: 600}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.p.Validate(); (err == nil) != c.ok {
				t.Errorf("got %v, want ok %v", err, c.ok)
			}
		})
	}
	if got := Default().Total(); got != 16 {
		t.Errorf("the default policy has %d slots, want 16", got)
	}
}

func BenchmarkExplain(b *testing.B) {
	w := newWorld(b, time.UTC)
	for day := range 500 {
		w.cycle(time.Date(2025, 7, 12+day, 12, 0, 0, 0, time.UTC), 0, true, false)
	}
	s := Situation{Now: w.lastNow}
	for b.Loop() {
		Explain(s, w.backups, Default())
	}
}
