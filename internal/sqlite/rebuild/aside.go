package rebuild

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// setAside moves lost_and_found out of the new database into a file of its own: what goes
// live in an application's place must have its tables and no others.
func setAside(ctx context.Context, o Order, name string, out *Result) (err error) {
	defer guard(&err)
	tables := out.extra()
	if len(tables) == 0 {
		return nil
	}
	db, err := sqlite3.OpenFlags(fileURI(name, o.VFS), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return failed(err)
	}
	db.SetInterrupt(ctx)
	err = db.Exec(`PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA trusted_schema=OFF`)
	if err == nil {
		err = o.aside(db, "main.", tables)
	}
	return failed(errors.Join(err, db.Close()))
}

// aside moves tables of a connection into the file for them. schema is where they are, with
// its dot.
func (o Order) aside(db *sqlite3.Conn, schema string, tables []string) (err error) {
	f, err := o.FS.Create(o.Aside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sql := `ATTACH ` + sqlite3.Quote(fileURI(o.Aside, o.VFS)) + ` AS aside; PRAGMA aside.journal_mode=MEMORY; PRAGMA aside.synchronous=OFF; BEGIN;`
	for _, t := range tables {
		sql += `CREATE TABLE aside.` + quote(t) + ` AS SELECT * FROM ` + schema + quote(t) + `; DROP TABLE ` + schema + quote(t) + `;`
	}
	if err := db.Exec(sql + `COMMIT; DETACH aside`); err != nil {
		return failed(err)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return o.FS.SyncDir(filepath.Dir(o.Aside))
}

// extra names the tables that only a salvage makes.
func (r *Result) extra() (tables []string) {
	if r.LostAndFound != "" {
		tables = append(tables, r.LostAndFound, r.LostAndFound+"_why")
	}
	if r.Doubts != "" {
		tables = append(tables, r.Doubts)
	}
	return tables
}
