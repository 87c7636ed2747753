package salvage

import (
	"github.com/officer-doofy/officer/internal/page"
)

// rescue is one salvage under way.
type rescue struct {
	*store
	opts    Options
	vitals  vitals
	marks   *marks
	schema  *table // sqlite_schema itself
	catalog []entry
	tables  []*table
	objects []Object
	sink    Sink
	report  Report
	base    *rescue // the backup, read the same way; nil = there is none
	lends   bool    // this is the backup
	twins   *twins  // the backup's rows of the table that is being written
	undated string  // what leaves open whether rows are in their newest version, "" = nothing does

	stage       Stage
	done, total int64
	owners      int
	testimony   int // bytes of what is kept of indexes
	mendCells   int // looked at for flipped bits
	calls       int // of indexes for a witness

	cover      page.Coverage
	pages      []uint32 // of a chain
	joined     []byte   // a payload from several pages
	overflow   []byte   // an overflow page
	doubt      string   // about the payload that was read last, "" = none
	joint      string   // about its overflow chain, "" = nothing
	tails      *tails   // nil until a chain is broken
	past       *past    // nil until an older image is wanted
	freed      []filler // free pages with rows, nil until they are wanted
	charted    bool     // all trees are, and so what is left over is known
	mapped     uint32   // the pointer-map page in mapPage, 0 = none
	mapPage    []byte
	logged     bool   // all of it stands in frames of the log whose checksums hold
	agreed     []bool // values of a row that an index has just so
	headValues []Value
	values     []Value
	row        Row // that the sink has
}

// Run salvages a database into a sink. It gives an error only when the sink or
// Options.Tick does: whatever is in the source, even nothing, gives a report.
func Run(src Source, opts Options, sink Sink) (*Report, error) {
	r, err := open(&src, opts)
	if err != nil {
		return nil, err
	}
	r.sink = sink
	if opts.Base != nil {
		if err := r.openBase(); err != nil {
			return nil, err
		}
	}
	settled := func() error { r.charted = true; return r.prove() }
	for _, step := range []func() error{r.readSchema, r.chartBoth, r.place, settled, r.write} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.finish(), nil
}

// open finds out what the source is.
func open(src *Source, opts Options) (*rescue, error) {
	first := newestFirst(src)
	guess := lenientSize(src, first)
	l, tail := readLog(src, guess)
	old := false
	if l != nil && len(l.of(1)) > 0 {
		b := make([]byte, l.header.PageSize)
		if l.readFrame(l.of(1)[0].number, b) {
			if old = older(b, first); old {
				l = nil
			} else {
				l.ahead = older(first, b)
				first = b
			}
		}
	}
	size := 0
	if l != nil {
		size = l.header.PageSize
	}
	v := examine(src, first, size)
	if l != nil && l.header.PageSize != v.geometry.PageSize {
		v.note("the write-ahead log is of another page size and was not used")
		l, tail = nil, undatedUnread
	}
	if l != nil && l.stale(src, &v.geometry) {
		// The vitals stand in page 1, which the file then has newer.
		v, l, old = examine(src, newestFirst(src), 0), nil, true
	}
	if old {
		v.note("the write-ahead log is older than the file: it was left behind, and was not used")
	}
	u := readUndo(src)
	if l != nil {
		l.suspect(&v.geometry, src)
	}
	r := &rescue{store: newStore(src, v.geometry, l, u), opts: opts, vitals: v}
	r.undated = r.date(l, tail, old)
	r.marks = newMarks(r.g.Count)
	r.schema = schemaTable()
	r.owners = 1
	r.stage, r.total = StageLook, int64(r.g.Count)
	return r, r.report0()
}

// older tells whether one page 1 was written before another. That of a log that belongs
// to its file never was written before that of the file: a checkpoint makes both the same
// (https://sqlite.org/fileformat2.html#file_change_counter).
func older(before, after []byte) bool {
	a, errA := page.ParseHeader(before)
	b, errB := page.ParseHeader(after)
	ahead := int32(b.ChangeCounter - a.ChangeCounter) // the counter may wrap
	return errA == nil && errB == nil && b.ChangeCounter == b.ValidFor && ahead > 0
}

func lenientSize(src *Source, first []byte) int {
	if h, err := page.ParseHeader(first); err == nil {
		return h.PageSize
	}
	l, _ := electLayout(src, layout{}, 0)
	return l.pageSize
}

// report0 begins the report and tells whether the salvage is to go on at all.
func (r *rescue) report0() error {
	r.report.PageSize, r.report.Pages = r.g.PageSize, r.g.Count
	r.report.Notes = append(r.report.Notes, r.vitals.notes...)
	if r.log != nil {
		r.report.Notes = append(r.report.Notes, r.log.notes...)
	}
	if r.undo != nil {
		r.report.Notes = append(r.report.Notes, "a transaction that did not end was rolled back with the journal")
	}
	return r.say()
}

func (r *rescue) note(text string) { r.report.Notes = append(r.report.Notes, text) }

// begin begins a stage of so many steps.
func (r *rescue) begin(stage Stage, total int64) error {
	r.stage, r.done, r.total = stage, 0, total
	return r.say()
}

// tick counts a step.
func (r *rescue) tick() error {
	r.done++
	if r.done%64 != 0 {
		return nil
	}
	return r.say()
}

func (r *rescue) say() error {
	if r.opts.Tick == nil {
		return nil
	}
	return r.opts.Tick(r.stage, min(r.done, r.total), r.total)
}

// newOwner numbers a b-tree.
func (r *rescue) newOwner() owner {
	r.owners++
	return owner(min(r.owners, int(ownerMax)))
}
