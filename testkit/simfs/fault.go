package simfs

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what goes wrong.
type Kind string

// The kinds. Those that strike once leave the disk well afterwards.
const (
	IOError   Kind = "eio"       // one operation fails, nothing of it is done
	Broken    Kind = "broken"    // every operation fails from then on, reads too
	Full      Kind = "enospc"    // one operation that needs room fails
	FullFrom  Kind = "full"      // every operation that needs room fails from then on
	Short     Kind = "short"     // a write does a part of its bytes and fails for want of room
	SyncFails Kind = "syncfails" // one fsync fails, and what it had to write is forgotten
	Lie       Kind = "lie"       // one fsync says that it is done, and is not
	LieFrom   Kind = "lies"      // all of them do from then on, those of folders too
	Kill      Kind = "kill"      // the process ends; what it wrote stays
	PowerCut  Kind = "cut"       // the machine ends; see Disk.PowerCut
)

// Kinds lists all of them.
func Kinds() []Kind {
	return []Kind{IOError, Broken, Full, FullFrom, Short, SyncFails, Lie, LieFrom, Kill, PowerCut}
}

// Fault is something that goes wrong at one operation of a Life: that with the number At
// in the stream On, see Plan.
type Fault struct {
	Kind Kind
	At   int
	On   string
}

// String is the form that ParseFault reads: "cut@17", "cut@log:17".
func (f Fault) String() string {
	if f.On != "" {
		return string(f.Kind) + "@" + f.On + ":" + strconv.Itoa(f.At)
	}
	return string(f.Kind) + "@" + strconv.Itoa(f.At)
}

// ParseFault reads the form of String.
func ParseFault(s string) (Fault, error) {
	kind, at, _ := strings.Cut(s, "@")
	on, number, named := strings.Cut(at, ":")
	if !named {
		on, number = "", at
	}
	n, err := strconv.Atoi(number)
	for _, k := range Kinds() {
		if err == nil && n > 0 && Kind(kind) == k {
			return Fault{k, n, on}, nil
		}
	}
	return Fault{}, fmt.Errorf("simfs: %q is no fault; one is %s@17", s, PowerCut)
}

// due tells whether a fault strikes at an operation or goes on there.
func (f Fault) due(op Op, began bool) bool {
	now := f.On == op.Stream && f.At == op.Number || began && f.Kind.lasts()
	return now && f.Kind.Strikes(op)
}

// Strikes tells whether a fault of this kind makes a difference at an operation: a kill
// between two reads is one between the writes around them.
func (k Kind) Strikes(op Op) bool {
	switch k {
	case IOError, Broken:
		return true
	case Full, FullFrom:
		return op.Grows
	case Short:
		return op.Kind == OpWrite && op.Length > 1
	case SyncFails:
		return op.Kind == OpSync
	case Lie, LieFrom:
		return op.Kind == OpSync || op.Kind == OpSyncDir
	case Kill, PowerCut:
		return op.Kind.Changes()
	}
	return false
}

// lasts tells whether a kind goes on after it struck.
func (k Kind) lasts() bool { return k == Broken || k == FullFrom || k == LieFrom }

// OpKind is what an operation does.
type OpKind string

// The kinds of operations. What only looks at an open file or closes it is none.
const (
	OpOpen     OpKind = "open"
	OpCreate   OpKind = "create"
	OpRead     OpKind = "read"
	OpWrite    OpKind = "write"
	OpTruncate OpKind = "truncate"
	OpSync     OpKind = "sync"
	OpSyncDir  OpKind = "syncdir"
	OpRename   OpKind = "rename"
	OpLink     OpKind = "link"
	OpRemove   OpKind = "remove"
	OpMkdir    OpKind = "mkdir"
	OpStat     OpKind = "stat"
	OpReadDir  OpKind = "readdir"
	OpSpace    OpKind = "space"
)

// Changes tells whether an operation changes what a reader sees or what is durable.
func (k OpKind) Changes() bool {
	switch k {
	case OpOpen, OpRead, OpStat, OpReadDir, OpSpace:
		return false
	}
	return true
}

// Op is one operation of a Life.
type Op struct {
	Stream string // of Plan; "" without one
	Number int    // in its stream, from 1
	Kind   OpKind
	Path   string
	Offset int64 // bytes; the new size of a truncation
	Length int64 // bytes
	Grows  bool  // it needs room that the volume has to give
}

// String is one line of a log.
func (o Op) String() string {
	s := fmt.Sprintf("%d %s %s", o.Number, o.Kind, o.Path)
	if o.Stream != "" {
		s = o.Stream + ":" + s
	}
	if o.Kind == OpRead || o.Kind == OpWrite || o.Kind == OpTruncate {
		s += fmt.Sprintf(" %d+%d", o.Offset, o.Length)
	}
	return s
}
