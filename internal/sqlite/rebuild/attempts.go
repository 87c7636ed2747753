package rebuild

import (
	"errors"

	"github.com/officer-doofy/officer/internal/bulk"
	"github.com/officer-doofy/officer/internal/fsx"
)

// errDoubtful says that a database which was written by pages does not pass its check.
var errDoubtful = errors.New("what was written by pages does not pass the check")

// attempts lets the lost pages of a database be patched where that is all it takes, or else
// have it written by pages. When a table needs SQLite's judgement of
// each row it is done again with that table's rows inserted; when that does not do, or the
// outcome does not pass its check, with those of all tables.
func attempts(write func(by *pages) (*Result, error)) (*Result, error) {
	out, err := write(&pages{patch: true})
	if errors.Is(err, errUnfit) {
		out, err = write(&pages{})
	}
	var c *conflict
	if errors.As(err, &c) {
		out, err = write(&pages{inserted: []string{c.table}})
	}
	if errors.As(err, &c) || errors.Is(err, errDoubtful) {
		out, err = write(nil)
	}
	return out, err
}

// scratch is the file that sorters share, made when one of them needs it.
type scratch struct {
	fs   fsx.FS
	name string
	file fsx.File
}

func (s *scratch) open() (bulk.SpillFile, error) {
	f, err := s.fs.Create(s.name)
	s.file = f
	return f, err
}

func (s *scratch) remove() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), s.fs.Remove(s.name))
}

// takeIn moves lost_and_found and what names doubted rows into the new database. While
// pages are written they are in a temporary one, so that the turn need not change for each
// row.
func (d *Database) takeIn() error {
	if d.side == "" {
		return nil
	}
	d.side = ""
	var names []string
	if d.found != nil {
		d.found.close()
		d.found.insert, d.found.why = nil, nil
		names = append(names, d.found.name, d.found.name+"_why")
	}
	if d.doubts != nil {
		d.doubts.close()
		d.doubts.insert = nil
		names = append(names, d.doubts.name)
	}
	for _, name := range names {
		sql, err := d.text(`SELECT sql FROM temp.sqlite_schema WHERE name=?`, name)
		if err != nil {
			return err
		}
		err = d.db.Exec(sql + `; INSERT INTO main.` + name + ` SELECT * FROM temp.` + name + ` ORDER BY rowid; DROP TABLE temp.` + name)
		if err != nil {
			return err
		}
	}
	return nil
}
