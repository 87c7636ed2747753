package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestContent_doesNotCompileViews: views stacked this deep overflow the engine's stack when
// they are compiled, and such a database could not be backed up.
func TestContent_doesNotCompileViews(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views.db")
	var sql strings.Builder
	sql.WriteString("CREATE TABLE items(id); INSERT INTO items VALUES(1); CREATE VIEW v0 AS SELECT 1 AS a;")
	for i := range 400 {
		fmt.Fprintf(&sql, "CREATE VIEW v%d AS SELECT a FROM v%d UNION ALL SELECT a FROM v%d;", i+1, i, i)
	}
	run(t, app(t, path), sql.String())
	got := content(t, path)
	if len(got.Tables) != 1 || got.Tables[0].Rows != 1 {
		t.Errorf("got %v, want one table with one row", got.Tables)
	}
	if _, err := open(t, path, Options{ReadOnly: true}).Preview(t.Context()); err != nil {
		t.Error(err)
	}
}
