package salvage

import "io"

// Source is a database file and what lies beside it. Readers may fail anywhere: what
// cannot be read counts as lost.
type Source struct {
	File         io.ReaderAt
	FileBytes    int64
	WAL          io.ReaderAt // nil = there is none
	WALBytes     int64
	Journal      io.ReaderAt // a rollback journal, nil = there is none
	JournalBytes int64
	Index        io.ReaderAt // the -shm, nil = there is none
}

// Stage names a part of the work, for progress.
type Stage string

// The stages in their order.
const (
	StageLook  Stage = "look"  // geometry, log and schema
	StageChart Stage = "chart" // b-trees, then what belongs to none
	StageProve Stage = "prove" // tables against their indexes
	StageWrite Stage = "write" // rows into the new database
)

// Options says how a salvage goes.
type Options struct {
	// Base is an older healthy state of the same database, nil = there is none.
	Base *Source
	// Distrust names indexes that are no evidence, because they are known to be damaged.
	Distrust []string
	// Sound says that a full check found nothing wrong with any table: no row is doubted.
	Sound bool
	// Compile tells whether SQLite takes a CREATE statement. Virtual tables, views and
	// triggers are not asked about. nil takes every statement.
	Compile func(sql string) error
	// Tick hears of progress, done of total pages, often; an error stops the salvage and
	// comes back from Run.
	Tick func(stage Stage, done, total int64) error
	// Beside runs a function beside its caller, who waits for it later. nil = one thing is
	// done after the other. Stopped is Tick for what runs beside: it comes with it.
	Beside  func(func()) (wait func())
	Stopped func() error
}
