package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/officer-doofy/officer/internal/fault"
)

// SizeBytesMax is more than a full history needs.
const SizeBytesMax = 8 << 20

const (
	version = 1
	atMax   = int64(1) << 40 // Unix seconds
)

type historyForm struct {
	Version    int          `json:"version"`
	Generation int64        `json:"generation"` // which tail goes on from it; 0 = none
	Doubt      [3]int64     `json:"doubt"`      // since, last, before; Unix seconds
	Series     []seriesForm `json:"series"`
}

type seriesForm struct {
	Name   string     `json:"name"`
	Points [][2]int64 `json:"points"` // seconds since the point before, value; the first since 1970
}

// Marshal writes the history as JSON, one series a line, the same bytes for the same history.
// What is recorded later may be written to a tail of that generation (see TailOf), a number
// that no earlier one had.
func (h *History) Marshal(generation int64) ([]byte, error) {
	names := make([]string, 0, len(h.series))
	for name := range h.series {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"version":%d,"generation":%d,"doubt":[%d,%d,%d],"series":[`, version, generation, h.doubt.since, h.doubt.last, h.doubt.before)
	for i, name := range names {
		f, before := seriesForm{Name: name}, int64(0)
		for _, p := range h.series[name] {
			f.Points = append(f.Points, [2]int64{p.At - before, p.Value})
			before = p.At
		}
		line, err := json.Marshal(f)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "write the history", "a series cannot be written", err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(line)
	}
	out.WriteString("\n]}\n")
	return out.Bytes(), nil
}

// Parse reads a history that Marshal wrote. The data may be anything: what is no history
// within its limits is an error with the code fault.Invalid or fault.TooBig.
func Parse(data []byte) (*History, error) {
	const op = "read the history"
	if len(data) > SizeBytesMax {
		return nil, fault.New(fault.TooBig, op, "it has %d bytes; at most %d are read", len(data), SizeBytesMax)
	}
	var form historyForm
	if err := json.Unmarshal(data, &form); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "it is not whole", err)
	}
	if form.Version != version {
		return nil, fault.New(fault.Invalid, op, "it has version %d instead of %d", form.Version, version)
	}
	if len(form.Series) > SeriesMax {
		return nil, fault.New(fault.Invalid, op, "it has %d series; at most %d are kept", len(form.Series), SeriesMax)
	}
	h := New()
	h.generation = form.Generation
	h.doubt = doubt{since: form.Doubt[0], last: form.Doubt[1], before: form.Doubt[2]}
	for _, at := range form.Doubt {
		if at < 0 || at > atMax {
			return nil, fault.New(fault.Invalid, op, "a doubt at an impossible time")
		}
	}
	for i, f := range form.Series {
		if wrong := h.take(f); wrong != "" {
			return nil, fault.New(fault.Invalid, op, "series %d: %s", i, wrong)
		}
	}
	return h, nil
}

func (h *History) take(f seriesForm) (wrong string) {
	switch {
	case h.series[f.Name] != nil:
		return "it is there twice"
	case !validName(f.Name) || !h.makeRoom(f.Name):
		return fmt.Sprintf("%.80q is not a name", f.Name)
	case len(f.Points) == 0 || len(f.Points) > PointsMax:
		return fmt.Sprintf("%d points", len(f.Points))
	}
	points, at := make([]Point, len(f.Points)), int64(0)
	for i, p := range f.Points {
		if p[0] < 0 || p[0] > atMax || p[1] < 0 || p[1] > ValueMax {
			return "a point that cannot have been"
		}
		if at += p[0]; at > atMax || at == 0 {
			return "a point out of time"
		}
		points[i] = Point{at, p[1]}
	}
	h.series[f.Name] = points
	h.newest = max(h.newest, at)
	return ""
}
