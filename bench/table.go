package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const tableHead = "| work | Officer | beside | its figure | ratio | target | | peak memory, MB |\n|---|---|---|---|---|---|---|---|\n"

// binaryMostMB and peakMostMB are the budgets of the program itself.
const (
	binaryMostMB = 22
	peakMostMB   = 64
)

// figure is what is read off a sample.
type figure struct {
	unit string
	read func(sample) float64
}

var (
	took      = figure{"s", func(s sample) float64 { return s.took.Seconds() }}
	stalled   = figure{"ms", func(s sample) float64 { return float64(s.stall) / float64(time.Millisecond) }}
	committed = figure{"", func(s sample) float64 { return s.commits }}
	returned  = figure{"", func(s sample) float64 { return float64(s.rows) }}
	memory    = figure{"MB", func(s sample) float64 { return float64(s.rssBytes) / 1e6 }}
	processor = figure{"%", func(s sample) float64 { return 100 * s.cpuShare }}
)

// row is one line of a table: Officer's figure, a peer's, and what was wanted. With
// limit the figure itself is held to a target, with most or least its ratio to the peer's.
type row struct {
	what    string
	of      figure
	against string
	most    float64
	least   float64
	limit   float64
}

func (r row) markdown(w work, outcomes map[string]*outcome) string {
	ours, theirs := outcomes[officerName], outcomes[r.against]
	own, ok := r.median(ours)
	peer, beside := r.median(theirs)
	name := cmp.Or(r.against, "–")
	ratio := "–"
	if ok && beside && peer > 0 {
		ratio = ratioText(own / peer)
		if theirs.endless() {
			ratio = "less than " + ratio
		}
	}
	target, verdict := "–", ""
	switch {
	case r.limit > 0:
		target, verdict = fmt.Sprintf("≤ %g %s", r.limit, r.of.unit), met(ok, own <= r.limit)
	case r.most > 0:
		target, verdict = "≤ "+ratioText(r.most), met(ok, own <= r.most*peer)
	case r.least > 0:
		target, verdict = "≥ "+ratioText(r.least), met(ok, own >= r.least*peer)
	}
	if r.limit == 0 && r.most+r.least > 0 && ok && !beside {
		verdict = "not measured"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", r.what, r.text(ours), name, r.text(theirs), ratio,
		target, verdict, peaks(ours, theirs))
}

func met(measured, fine bool) string {
	switch {
	case !measured:
		return "**missed**"
	case fine:
		return "met"
	}
	return "**missed**"
}

// median is false when there is no figure.
func (r row) median(o *outcome) (float64, bool) {
	all := r.figures(o)
	if len(all) == 0 || o.err != nil {
		return 0, false
	}
	if n := len(all); n%2 == 0 {
		return (all[n/2-1] + all[n/2]) / 2, true
	}
	return all[len(all)/2], true
}

// figures are sorted.
func (r row) figures(o *outcome) []float64 {
	if o == nil {
		return nil
	}
	all := make([]float64, len(o.samples))
	for i, s := range o.samples {
		all[i] = r.of.read(s)
	}
	slices.Sort(all)
	return all
}

// text is the median with the least and the most.
func (r row) text(o *outcome) string {
	switch {
	case o == nil && r.against == "":
		return "–"
	case o == nil:
		return "not there"
	case o.err != nil:
		return "**failed**: " + strings.NewReplacer("|", "\\|", "\n", " ").Replace(o.err.Error())
	}
	middle, ok := r.median(o)
	if !ok {
		return "not measured"
	}
	all := r.figures(o)
	text := number(middle)
	if least, most := number(all[0]), number(all[len(all)-1]); least != most {
		text += fmt.Sprintf(" (%s–%s)", least, most)
	}
	if r.of.unit != "" {
		text += " " + r.of.unit
	}
	if o.endless() && r.of.unit == "s" {
		text = "no end in " + text
	}
	return text
}

// endless tells whether a run was stopped for want of an end.
func (o *outcome) endless() bool {
	return o != nil && slices.ContainsFunc(o.samples, func(s sample) bool { return s.endless })
}

// peakBytes is the most that a run held; 0 = not known.
func (o *outcome) peakBytes() (most int64) {
	if o != nil {
		for _, s := range o.samples {
			most = max(most, s.rssBytes)
		}
	}
	return most
}

func peaks(ours, theirs *outcome) string {
	text := func(o *outcome) string {
		if n := o.peakBytes(); n > 0 {
			return number(float64(n) / 1e6)
		}
		return "–"
	}
	if theirs == nil {
		return text(ours)
	}
	return text(ours) + " / " + text(theirs)
}

// ratioText writes what is below one as a fraction: 1/15 is easier read than 0.067.
func ratioText(r float64) string {
	if r > 0 && r < 1 {
		return "1/" + number(math.Round(100/r)/100)
	}
	return number(r)
}

// number has three figures that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	decimals := 2
	if v < 0.1 {
		decimals = 3
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.*f", decimals, v), "0"), ".")
}

// sizeText writes bytes as the flag reads them.
func sizeText(sizeBytes int64) string {
	switch {
	case sizeBytes%1e9 == 0:
		return fmt.Sprintf("%dGB", sizeBytes/1e9)
	case sizeBytes%1e6 == 0:
		return fmt.Sprintf("%dMB", sizeBytes/1e6)
	}
	return fmt.Sprint(sizeBytes)
}

// worst remembers the most memory that a job of Officer's held.
type worst struct {
	bytes int64
	where string
}

func (p *worst) note(w work, outcomes map[string]*outcome) {
	if n := outcomes[officerName].peakBytes(); n > p.bytes {
		p.bytes, p.where = n, w.name
	}
}

func overall(p *worst, binaryBytes int64) string {
	text := tableHead
	line := func(what string, mb, most float64) {
		text += fmt.Sprintf("| %s | %s MB | – | – | – | ≤ %g MB | %s | – |\n", what, number(mb), most, met(true, mb <= most))
	}
	if p.bytes > 0 {
		line("peak memory in any of these jobs ("+p.where+")", float64(p.bytes)/1e6, peakMostMB)
	}
	line("the program, stripped", float64(binaryBytes)/1e6, binaryMostMB)
	return text
}
