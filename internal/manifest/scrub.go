package manifest

import (
	"sort"
	"time"
)

// Figures of the scrub: a seventh of the backups a day, and none left alone for a week.
const (
	scrubDays   = 7
	scrubAgeMax = 6*24*time.Hour + 12*time.Hour // a day's round is up to half a day late
)

// HowScrub is the How of a verdict by scrub.
const HowScrub = "scrub"

// ScrubList names the backups to read back today: the seventh whose newest verdict is
// oldest, and all whose verdict is about to be a week old. Only backups that count and
// whose hash is known are scrubbed.
func (m Manifest) ScrubList(now time.Time) []string {
	var sound []Entry
	for _, e := range m.Entries {
		if e.Verified && e.State == "" && e.SHA256 != "" {
			sound = append(sound, e)
		}
	}
	sort.SliceStable(sound, func(a, b int) bool { return sound[a].judgedAt().Before(sound[b].judgedAt()) })
	share := (len(sound) + scrubDays - 1) / scrubDays
	var ids []string
	for i, e := range sound {
		age := now.Sub(e.judgedAt())
		if age < 24*time.Hour { // read back today: a second time proves nothing more
			break
		}
		if i < share || age >= scrubAgeMax {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// LastScrub is when a backup was scrubbed last; without any the time of the oldest
// backup, zero for an empty list.
func (m Manifest) LastScrub() time.Time {
	var last time.Time
	for _, e := range m.Entries {
		for _, v := range e.Verdicts {
			if v.How == HowScrub && v.At.After(last) {
				last = v.At
			}
		}
	}
	if last.IsZero() && len(m.Entries) > 0 {
		return m.Entries[0].Taken
	}
	return last
}

func (e Entry) judgedAt() time.Time {
	if n := len(e.Verdicts); n > 0 {
		return e.Verdicts[n-1].At
	}
	return e.Taken
}
