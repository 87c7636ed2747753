package fsx

import (
	"io/fs"
	"os"

	"github.com/officer-doofy/officer/internal/fault"
)

// ReadOnly is of with everything refused that would leave a trace, as on a volume that is
// mounted for reading only: for who looks and promises to change nothing.
func ReadOnly(of FS) FS { return readOnly{of} }

type readOnly struct{ FS }

// leaves are the flags of an open that may change or make a file.
const leaves = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREATE | os.O_TRUNC

func refuse(op, name string) error {
	return fault.New(fault.ReadOnly, op+" "+name, "nothing is changed by who only looks")
}

func (r readOnly) Create(name string) (File, error) { return nil, refuse("create", name) }

func (r readOnly) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&leaves != 0 {
		return nil, refuse("open", name)
	}
	return r.FS.OpenFile(name, flag, perm)
}

func (r readOnly) MkdirAll(name string) error         { return refuse("make", name) }
func (r readOnly) Remove(name string) error           { return refuse("remove", name) }
func (r readOnly) Rename(_, to string) error          { return refuse("rename", to) }
func (r readOnly) RenameNoReplace(_, to string) error { return refuse("rename", to) }
func (r readOnly) SyncDir(string) error               { return nil }
