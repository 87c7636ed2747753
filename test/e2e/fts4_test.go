//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/testkit"
)

const fts4Docs = `pragma page_size=1024; create virtual table docs using fts4(title, body); create virtual table old using fts3(body, tokenize=porter);
	with recursive n(i) as (select 1 union all select i+1 from n where i<600)
	insert into docs(docid,title,body) select i, 'title '||i, 'words about item '||i||' and '||hex(i*7919)||' of '||(i%13) from n;
	insert into old(docid,body) select docid, body from docs`

// FTS3 and FTS4 are in the application's SQLite and not in Officer's: what they keep comes back, and
// where their index was hurt the command that the report names makes it whole again.
func TestRecover_fullTextTablesOfTheApplicationsOwnSQLite(t *testing.T) {
	cli := need(t, "sqlite3")
	for _, damage := range []string{"", "docs_segments", "docs_content", "old_segments"} {
		t.Run(damage, func(t *testing.T) {
			c := &patient{t: t, cli: cli, db: filepath.Join(t.TempDir(), "a.db")}
			c.sql(fts4Docs)
			if damage != "" {
				t.Log(testkit.ZeroPageOf(t, c.db, damage, 2))
			}
			out := &patient{t: t, cli: cli, db: filepath.Join(t.TempDir(), "b.db")}
			run := officer(t, "recover", c.db, "--to", out.db, "--json")
			table := strings.Split(damage+"_", "_")[0]
			rebuild := `INSERT INTO \"` + table + `\"(\"` + table + `\") VALUES('rebuild')`
			if says := strings.Contains(run.stdout, rebuild); run.code != 3 || says != (damage != "") {
				t.Errorf("exit code %d, the rebuild of %q is named: %v\n%s", run.code, table, says, run.stdout)
			}
			if damage != "" {
				out.sql(`insert into ` + table + `(` + table + `) values('rebuild')`)
			}
			for _, name := range []string{"docs", "old"} {
				out.sql(`insert into ` + name + `(` + name + `) values('integrity-check')`)
				rows, found := out.sql(`select count(*) from `+name), out.sql(`select count(*) from `+name+` where `+name+` match 'item'`)
				if rows != found || rows != "600" && damage != name+"_content" {
					t.Errorf("%s has %s rows, of which %s are found", name, rows, found)
				}
			}
		})
	}
}
