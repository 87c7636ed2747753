package rolling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// SizeBytesMax is more than a full book needs.
const SizeBytesMax = 16 << 20

const (
	version  = 1
	countMax = int64(1) << 40 // runs of a day
	atMax    = int64(1) << 40 // Unix seconds
	cellsMax = 8192           // of a histogram
	isFailed = 1
	isOver   = 2
)

type bookForm struct {
	Version    int             `json:"version"`
	Generation int64           `json:"generation"` // which tail goes on from it; 0 = none
	Operations []operationForm `json:"operations"`
}

type operationForm struct {
	Name   string     `json:"name"`
	Window [][3]int64 `json:"window"` // Unix seconds, microseconds, 1 failed + 2 over budget; oldest first
	Days   []dayForm  `json:"days"`
}

type dayForm struct {
	Day    string     `json:"day"`
	Count  int64      `json:"count"`
	Failed int64      `json:"failed"`
	SumUS  int64      `json:"sum_us"`
	P50US  int64      `json:"p50_us"`
	P95US  int64      `json:"p95_us"`
	P99US  int64      `json:"p99_us"`
	MaxUS  int64      `json:"max_us"`
	Cells  [][2]int64 `json:"cells,omitempty"` // of the newest day: microseconds, runs
}

// Marshal writes the book as JSON, one operation a line, the same bytes for the same book.
// What is recorded later may be written to a tail of that generation (see TailOf), a number
// that no earlier one had.
func (b *Book) Marshal(generation int64) ([]byte, error) {
	names := make([]string, 0, len(b.operations))
	for name := range b.operations {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"version":%d,"generation":%d,"operations":[`, version, generation)
	for i, name := range names {
		line, err := json.Marshal(b.operations[name].form(name))
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "write metrics", "an operation cannot be written", err)
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

func (o *operation) form(name string) operationForm {
	f := operationForm{Name: name, Window: [][3]int64{}, Days: []dayForm{}}
	for _, r := range slices.Backward(o.newest()) {
		var flags int64
		if r.failed {
			flags |= isFailed
		}
		if r.over {
			flags |= isOver
		}
		f.Window = append(f.Window, [3]int64{r.at, r.us, flags})
	}
	for i := range o.days {
		d := &o.days[i]
		s := d.summary()
		form := dayForm{Day: d.date, Count: s.Count, Failed: s.Failed, SumUS: d.sumUS, P50US: s.P50.Microseconds(),
			P95US: s.P95.Microseconds(), P99US: s.P99.Microseconds(), MaxUS: s.Max.Microseconds()}
		if d.runs != nil {
			form.Cells = d.runs.cells()
		}
		f.Days = append(f.Days, form)
	}
	return f
}

// Parse reads a book that Marshal wrote. The data may be anything: what is not a book
// within its limits is an error with the code fault.Invalid or fault.TooBig.
func Parse(data []byte, budgets []Budget) (*Book, error) {
	const op = "read metrics"
	if len(data) > SizeBytesMax {
		return nil, fault.New(fault.TooBig, op, "it has %d bytes; at most %d are read", len(data), SizeBytesMax)
	}
	var form bookForm
	if err := json.Unmarshal(data, &form); err != nil {
		return nil, fault.Wrap(fault.Invalid, op, "it is not whole", err)
	}
	if form.Version != version {
		return nil, fault.New(fault.Invalid, op, "it has version %d instead of %d", form.Version, version)
	}
	if len(form.Operations) > OperationsMax {
		return nil, fault.New(fault.Invalid, op, "it has %d operations; at most %d are kept", len(form.Operations), OperationsMax)
	}
	b := NewBook(budgets)
	b.generation = form.Generation
	for i, f := range form.Operations {
		o, wrong := operationOf(f)
		if wrong == "" && b.operations[f.Name] != nil {
			wrong = "it is there twice"
		}
		if wrong != "" {
			return nil, fault.New(fault.Invalid, op, "operation %d: %s", i, wrong)
		}
		b.operations[f.Name] = o
	}
	return b, nil
}

func operationOf(f operationForm) (o *operation, wrong string) {
	switch {
	case !ValidName(f.Name):
		return nil, fmt.Sprintf("%.80q is not a name", f.Name)
	case len(f.Window) > WindowRuns:
		return nil, fmt.Sprintf("a window of %d runs", len(f.Window))
	case len(f.Days) > DaysMax:
		return nil, fmt.Sprintf("%d days", len(f.Days))
	}
	o = &operation{}
	for _, r := range f.Window {
		if r[0] < 0 || r[0] > atMax || r[1] < 0 || r[1] > microsecondMax || r[2] < 0 || r[2] > isFailed|isOver {
			return nil, "a run that cannot have been"
		}
		o.window = append(o.window, run{at: r[0], us: r[1], failed: r[2]&isFailed != 0, over: r[2]&isOver != 0})
	}
	for i, form := range f.Days {
		if i > 0 && form.Day <= f.Days[i-1].Day {
			return nil, "days out of order"
		}
		d, wrong := form.day(i == len(f.Days)-1)
		if wrong != "" {
			return nil, wrong
		}
		o.days = append(o.days, d)
	}
	return o, ""
}

func (f dayForm) day(last bool) (d day, wrong string) {
	t, err := time.Parse(dateLayout, f.Day)
	if err != nil || t.Format(dateLayout) != f.Day || strings.HasPrefix(f.Day, "0000") {
		return d, fmt.Sprintf("%.20q is not a day", f.Day)
	}
	ordered := slices.IsSorted([]int64{0, f.P50US, f.P95US, f.P99US, f.MaxUS, microsecondMax})
	if f.Count < 1 || f.Count > countMax || f.Failed < 0 || f.Failed > f.Count || !ordered ||
		f.SumUS < f.MaxUS || float64(f.SumUS) > float64(f.Count)*float64(f.MaxUS) {
		return d, "the numbers of " + f.Day + " contradict each other"
	}
	if len(f.Cells) > 0 && (!last || len(f.Cells) > cellsMax) {
		return d, "the histogram of " + f.Day + " is out of place"
	}
	d = day{date: f.Day, sumUS: f.SumUS, Summary: Summary{
		Count: f.Count, Failed: f.Failed, Mean: micro(f.SumUS / f.Count),
		P50: micro(f.P50US), P95: micro(f.P95US), P99: micro(f.P99US), Max: micro(f.MaxUS),
	}}
	if len(f.Cells) == 0 {
		return d, ""
	}
	d.runs = &spread{}
	var runs int64
	for _, c := range f.Cells {
		if c[0] < 0 || c[0] > microsecondMax || c[1] < 1 || c[1] > f.Count-runs {
			return d, "the histogram of " + f.Day + " does not fit its count"
		}
		runs += c[1]
		d.runs.add(c[0], c[1])
	}
	return d, ""
}
