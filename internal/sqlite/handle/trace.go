package handle

import (
	"time"

	"github.com/officer-doofy/officer/internal/rolling"
)

// Statement is one finished statement of the host program, without its values.
type Statement struct {
	Shape  string
	Took   time.Duration // within SQLite: what the program does between two rows is its own
	Rows   int64         // given or changed
	Failed bool
}

// Trace hears of every finished statement, on the goroutine that ran it. It must not
// wait. Nil hears nothing and costs nothing.
type Trace func(Statement)

// Both bound what one connection remembers to a quarter of a megabyte.
const (
	shapesKept   = 128
	shapedSQLMax = 2048
)

// tracer is the Trace of one connection, which one goroutine uses at a time.
type tracer struct {
	trace  Trace
	shapes map[string]string // by statement: an app runs the same ones again and again
}

func (t *tracer) shape(sql string) string {
	if t.trace == nil {
		return ""
	}
	if shape, ok := t.shapes[sql]; ok {
		return shape
	}
	shape := rolling.Shape(sql)
	if len(sql) > shapedSQLMax {
		return shape
	}
	if t.shapes == nil {
		t.shapes = make(map[string]string, shapesKept)
	}
	if len(t.shapes) >= shapesKept {
		clear(t.shapes) // rather often slow than large for ever
	}
	t.shapes[sql] = shape
	return shape
}

// begin reads the clock, if anybody traces.
func (t *tracer) begin() time.Time {
	if t.trace == nil {
		return time.Time{}
	}
	return time.Now()
}

// done tells of a statement that ran from began until now.
func (t *tracer) done(shape string, began time.Time, rows int64, err error) {
	if t.trace != nil {
		t.trace(Statement{Shape: shape, Took: time.Since(began), Rows: rows, Failed: err != nil})
	}
}
