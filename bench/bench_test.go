package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's own program be what main makes of this one: writer and builders.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && isChild(os.Args[1]) {
		if err := asChild(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func seconds(all ...float64) *outcome {
	o := &outcome{}
	for _, s := range all {
		o.samples = append(o.samples, sample{took: time.Duration(s * float64(time.Second))})
	}
	return o
}

func TestRow_showsAMissAsAMiss(t *testing.T) {
	failed := seconds(1)
	failed.err = errors.New("exit | status\n4")
	endless := seconds(20)
	endless.samples[0].endless = true
	for _, tt := range []struct {
		name   string
		row    row
		ours   *outcome
		theirs *outcome
		want   string
	}{
		{"met", row{of: took, against: "C", most: 1.0 / 5}, seconds(1, 3, 2), seconds(10, 11, 12), "|  | 2 (1–3) s | C | 11 (10–12) s | 1/5.5 | ≤ 1/5 | met |"},
		{"missed", row{of: took, against: "C", most: 1.0 / 6}, seconds(2), seconds(11), "|  | 2 s | C | 11 s | 1/5.5 | ≤ 1/6 | **missed** |"},
		{"too few", row{of: took, against: "C", least: 1}, seconds(2), seconds(3), "| 1/1.5 | ≥ 1 | **missed** |"},
		{"enough", row{of: took, against: "C", least: 1}, seconds(3), seconds(3), "| 1 | ≥ 1 | met |"},
		{"no peer", row{of: took, against: "C", most: 1}, seconds(2), nil, "| C | not there | – | ≤ 1 | not measured |"},
		{"peer failed", row{of: took, against: "C", most: 1}, seconds(2), failed, `| C | **failed**: exit \| status 4 | – | ≤ 1 | not measured |`},
		{"ours failed", row{of: took, against: "C", most: 1}, failed, seconds(2), "| – | ≤ 1 | **missed** |"},
		{"ours failed a limit", row{of: took, limit: 30}, failed, nil, "| ≤ 30 s | **missed** |"},
		{"within the limit", row{of: took, limit: 30}, seconds(30), nil, "| 30 s | – | – | – | ≤ 30 s | met |"},
		{"above the limit", row{of: took, limit: 30}, seconds(30.5), nil, "| **missed** |"},
		{"endless peer", row{of: took, against: "C"}, seconds(2), endless, "| no end in 20 s | less than 1/10 | – |  |"},
		{"even rounds", row{of: took, against: "C"}, seconds(1, 2), nil, "| 1.5 (1–2) s |"},
	} {
		got := tt.row.markdown(work{}, map[string]*outcome{officerName: tt.ours, "C": tt.theirs})
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s in it", tt.name, got, tt.want)
		}
	}
}

func TestNumber_hasThreeFiguresThatCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123: "0.012", 0.5: "0.5", 1: "1", 1.25: "1.25", 22: "22", 23.71: "23.7", 104.4: "104", 12345: "12345"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestParseBytes_isWhatSizeTextWrites(t *testing.T) {
	for text, want := range map[string]int64{"100MB": 100e6, "1GB": 1e9, " 3MB": 3e6, "5": 5, "": 0, "1TB": 0, "-1MB": 0, "0": 0, "2000000GB": 0} {
		got, err := parseBytes(text)
		if (err == nil) != (want > 0) || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
		if want > 0 && sizeText(got) != strings.TrimSpace(text) {
			t.Errorf("%d: got %q, want %q", got, sizeText(got), text)
		}
	}
}

func TestParseSettings_refusesNoRoundsAndWords(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"all"}, {"-sizes", "much"}, {"-only", "("}} {
		if _, err := parseSettings(args); err == nil {
			t.Errorf("%q: got no error, want one", args)
		}
	}
}

func TestFlagsIn_areThoseOfARelease(t *testing.T) {
	text, err := os.ReadFile("../" + releaseFlags)
	if err != nil {
		t.Fatal(err)
	}
	flags := flagsIn(string(text))
	if !slices.Contains(flags, "-trimpath") || !slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "-ldflags=-s -w") }) {
		t.Errorf("got %q", flags)
	}
	if got := flagsIn("# why\n-a\n\n  -b=c d\n"); !slices.Equal(got, []string{"-a", "-b=c d"}) {
		t.Errorf("got %q", got)
	}
}
