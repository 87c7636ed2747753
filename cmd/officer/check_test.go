package main

import (
	"strings"
	"testing"

	"github.com/officer-doofy/officer/messages"
)

func TestShowFindings_aRunOfPagesIsOneLine(t *testing.T) {
	const unused = "nothing uses this, but: every page is in a b-tree"
	findings := []*messages.Finding{
		{Object: "t", Page: 6, Detail: "page 6: byte 0 holds 0, but: a b-tree page is of type 2"},
		{Object: "t", Page: 7, Detail: "page 7: byte 0 holds 0, but: a b-tree page is of type 2"},
		{Page: 9, Detail: unused}, {Page: 10, Detail: unused}, {Page: 11, Detail: unused}, {Page: 13, Detail: unused},
		{Object: "a", Page: 14, Detail: unused}, {Object: "a", Page: 15, Detail: unused},
		{Object: "i", Detail: "a row is missing"}, {Object: "i", Detail: "a row is missing"},
	}
	for i := range findingsShown {
		findings = append(findings, &messages.Finding{Page: int64(100 + 2*i), Detail: unused})
	}
	var out strings.Builder
	showFindings(&out, findings)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i, want := range []string{
		"t: page 6: byte 0 holds 0, but: a b-tree page is of type 2", "t: page 7: byte 0 holds 0, but: a b-tree page is of type 2",
		"pages 9 to 11: " + unused, "page 13: " + unused, "a, pages 14 to 15: " + unused,
		"i: a row is missing", "i: a row is missing", "page 100: " + unused,
	} {
		if lines[i] != "    "+want {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
	if n := len(lines); n != findingsShown+1 || lines[n-1] != "    and 7 more" {
		t.Errorf("got %d lines, at last %q", n, lines[n-1])
	}
}

func TestFindingsText_saysThatThereMayBeMore(t *testing.T) {
	r := &messages.CheckReport{Findings: make([]*messages.Finding, 100)}
	if got, want := findingsText(r), "100 findings"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.MoreFindings = true
	if got, want := findingsText(r), "the first 100 findings (there may be more)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
