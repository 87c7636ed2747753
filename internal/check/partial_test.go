package check_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
)

// Of a partial index SQLite looks up the rows that belong into it, and does not count what else is there.
func TestVerify_countsTheEntriesOfPartialIndexes(t *testing.T) {
	const sql = `create table t(id integer primary key, a text collate nocase, b int, c as (b*2)); create table w(k text primary key, b int) without rowid;
		with recursive n(i) as (select 1 union all select i+1 from n where i < 200) insert into t(a, b) select char(65+i%%40), i from n;
		insert into w select 'k'||id, b from t; insert into t(a, b) values(null, null);
		create index x on %s where %s;
		pragma writable_schema=on; update sqlite_schema set sql = 'create index x on %[1]s where %[3]s' where name='x'`
	for _, test := range []struct {
		on, made, said string
		leftOver       bool // entries that the condition does not choose any more
	}{
		{"t(a)", "b > 10", "b > 10", false},
		{"t(a)", "b > 10", "b > 50", true},
		{"t(a, b)", "a > 'c' and b is not null", "a > 'D' and b is not null", true},
		{"t(a, b)", "a is null or a = 'd'", "a is null /* ; ) */ or a = 'D' -- as well", false},
		{"t(a)", "c > 10", "c > 100", true},
		{"t(a)", "(b > 10)", "((b) between 300 and 400)", true},
		{"t(lower(a))", "length(a) = 1", "length(a) = 2", true},
		{"t(b)", "b in (1, 2, 3)", "b in (1, 3)", true},
		{"t(b)", "b <> 'd'", `b <> "d"`, false}, // a name that is none was a text there
		{"w(b)", "b > 10", "b > 10", false},
		{"w(b)", "b > 10", "b > 50", true},
	} {
		t.Run(test.on+" "+test.said, func(t *testing.T) {
			image := imageOf(t, fmt.Sprintf(sql, test.on, test.made, strings.ReplaceAll(test.said, "'", "''")))
			out, report := judgeImage(t, image, check.Options{})
			want := check.OK
			if test.leftOver {
				want = check.Damaged
			}
			if out.Verdict != want {
				t.Errorf("got %s %v %v, want %s", out.Verdict, out.Findings, out.Unjudged, want)
			}
			if test.leftOver && (len(out.Findings) != 1 || out.Findings[0].Object != "x" || out.Findings[0].Kind != "index") {
				t.Errorf("got %v, want one of index x", out.Findings)
			}
			t.Log(out.Findings, report.Findings)
		})
	}
}

// refusing is a judge that cannot judge a table, as when its schema calls what only a statement may call.
type refusing struct{ counted int }

func (*refusing) Schema(context.Context) ([]check.Finding, error) { return nil, nil }

func (*refusing) Table(_ context.Context, name string, _ check.Kind) ([]check.Finding, error) {
	return []check.Finding{{Kind: "module", Object: name, Detail: "unsafe use of f()"}}, nil
}

func (r *refusing) Count(context.Context, string, string) (int64, error) {
	r.counted++
	return 0, nil
}

// A condition out of a schema is carried out as a statement only when SQLite carried it out as a schema's.
func TestVerify_countsNothingThatSQLiteDidNotPass(t *testing.T) {
	image := imageOf(t, "create table t(a); insert into t values(1); create index x on t(a) where a > 0")
	judge := &refusing{}
	if out := verifyImage(t, image, check.Options{Judge: judge}); out.Verdict != check.CannotJudge || judge.counted != 0 {
		t.Errorf("got %s, counted %d times", out.Verdict, judge.counted)
	}
}
