package space

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// Bounds of a history: a month of samples, of few volumes.
const (
	sampleEvery = 6 * time.Hour
	samplesMax  = 120
	volumesMax  = 16

	// HistoryBytesMax is more than any history has.
	HistoryBytesMax = 1 << 20

	historyVersion = 1
)

// Sample is the free space of a volume at one time.
type Sample struct {
	At        time.Time `json:"at"`
	FreeBytes int64     `json:"free_bytes"`
}

// series is one volume's samples, oldest first.
type series struct {
	Volume  string   `json:"volume"`
	Samples []Sample `json:"samples"`
}

type document struct {
	Version int      `json:"version"`
	Volumes []series `json:"volumes"`
}

// History is the free space of volumes over the last month. The zero value is empty.
type History struct{ volumes []series }

// ParseHistory reads what Encode wrote. Anything else is a fault.Invalid; nothing of it
// is used then.
func ParseHistory(data []byte) (History, error) {
	const op = "read the history of free space"
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return History{}, fault.Wrap(fault.Invalid, op, "it is no JSON of that form", err)
	}
	if d.Version != historyVersion {
		return History{}, fault.New(fault.Invalid, op, "version %d is not known", d.Version)
	}
	if len(d.Volumes) > volumesMax {
		return History{}, fault.New(fault.Invalid, op, "%d volumes, at most %d", len(d.Volumes), volumesMax)
	}
	for _, v := range d.Volumes {
		if len(v.Samples) > samplesMax {
			return History{}, fault.New(fault.Invalid, op, "%d samples, at most %d", len(v.Samples), samplesMax)
		}
		for i, s := range v.Samples {
			if s.FreeBytes < 0 || i > 0 && !s.At.After(v.Samples[i-1].At) || s.At.Year() < 1970 || s.At.Year() > 9000 {
				return History{}, fault.New(fault.Invalid, op, "sample %d of %q makes no sense", i, v.Volume)
			}
		}
	}
	return History{volumes: d.Volumes}, nil
}

// Encode gives the history as JSON.
func (h History) Encode() ([]byte, error) {
	data, err := json.Marshal(document{Version: historyVersion, Volumes: h.volumes})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "write the history of free space", "it cannot be put into JSON", err)
	}
	return data, nil
}

// Add gives a history with one more sample, and whether it was taken: not within six
// hours of the one before. Samples from the future, by a clock that was set back, go.
func (h History) Add(volume string, s Sample) (History, bool) {
	s.At = s.At.UTC().Truncate(time.Second)
	i := slices.IndexFunc(h.volumes, func(v series) bool { return v.Volume == volume })
	var old []Sample
	if i >= 0 {
		old = h.volumes[i].Samples
	}
	kept := make([]Sample, 0, len(old)+1)
	for _, o := range old {
		if !o.At.After(s.At) {
			kept = append(kept, o)
		}
	}
	if n := len(kept); n > 0 && n == len(old) && s.At.Sub(kept[n-1].At) < sampleEvery {
		return h, false
	}
	if n := len(kept); n > 0 && !s.At.After(kept[n-1].At) {
		kept = kept[:n-1]
	}
	kept = append(kept, s)
	kept = kept[max(0, len(kept)-samplesMax):]
	all := slices.Clone(h.volumes)
	if i >= 0 {
		all[i].Samples = kept
		return History{all}, true
	}
	if len(all) == volumesMax {
		stalest := slices.MinFunc(all, func(a, b series) int { return newest(a).Compare(newest(b)) })
		all = slices.DeleteFunc(all, func(v series) bool { return v.Volume == stalest.Volume })
	}
	return History{append(all, series{volume, kept})}, true
}

func newest(v series) time.Time {
	if n := len(v.Samples); n > 0 {
		return v.Samples[n-1].At
	}
	return time.Time{}
}

// A forecast looks at two weeks; with less than two days nothing can be said.
const (
	forecastOver   = 14 * 24 * time.Hour
	forecastSpan   = 48 * time.Hour
	forecastPoints = 6
	forecastMax    = 3650 // days; later is never
)

// DaysUntilFull says in how many days a volume is full if it goes on like that; 0 = it is
// not growing, or too little is known. The slope is the median over all pairs of samples
// (Theil and Sen), so that one large file, made or deleted, does not decide.
func (h History) DaysUntilFull(volume string, now time.Time, freeBytes int64) float64 {
	i := slices.IndexFunc(h.volumes, func(v series) bool { return v.Volume == volume })
	if i < 0 {
		return 0
	}
	var points []Sample
	for _, s := range h.volumes[i].Samples {
		if age := now.Sub(s.At); age >= 0 && age <= forecastOver {
			points = append(points, s)
		}
	}
	n := len(points)
	if n < forecastPoints || points[n-1].At.Sub(points[0].At) < forecastSpan {
		return 0
	}
	slopes := make([]float64, 0, n*(n-1)/2)
	for a := range points {
		for b := a + 1; b < n; b++ {
			days := points[b].At.Sub(points[a].At).Hours() / 24
			slopes = append(slopes, float64(points[b].FreeBytes-points[a].FreeBytes)/days)
		}
	}
	slices.Sort(slopes)
	lostPerDay := -slopes[len(slopes)/2]
	if lostPerDay <= 0 {
		return 0
	}
	if days := float64(max(freeBytes, 0)) / lostPerDay; days <= forecastMax {
		return days
	}
	return 0
}

// A forecast is said below seven days and taken back above nine.
const (
	soonDays = 7
	calmDays = 9
)

// FullSoon tells whether a forecast is worth a warning; was is the last answer. A volume
// that is full now is named by its level, not by this.
func FullSoon(was bool, daysUntilFull float64) bool {
	return daysUntilFull > 0 && (daysUntilFull < soonDays || was && daysUntilFull < calmDays)
}
