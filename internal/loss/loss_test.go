package loss_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/loss"
)

func TestHTML_ofHostileNamesIsOnlyText(t *testing.T) {
	const evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x00\u202eevil\xff"
	r := loss.Report{Layer: loss.Merge, Database: evil, Base: evil, Evidence: evil, Into: evil, AsideIn: evil, SetAside: 1,
		Tables: []loss.Table{{Name: evil, Lost: 1, Notes: []string{evil}}}, Notes: []string{evil}, Findings: []string{evil},
		ForeignKeys: []loss.ForeignKey{{Table: evil, Parent: evil}}, Rules: []string{evil}}
	page := string(r.HTML())
	for _, bad := range []string{"<script", "<img", "\x00", "\u202e", "\xff", "http://", "https://", "src=\"", "href="} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;"); n < 10 {
		t.Errorf("the names are shown %d times", n)
	}
}

func TestReport_saysWhatIsLostInEachForm(t *testing.T) {
	r := loss.Report{Layer: loss.Merge, Database: "app.db", Base: "20260101T000000Z", Tables: []loss.Table{
		{Name: "orders", Kept: 90, Salvaged: 5, FromBase: 3, Lost: 2, Confirmed: 90, ByBase: 88, ByLog: 2, Uncertain: 5, Unconfirmed: 4, Doubted: 1, FromOlder: 1}, {Name: "tags", Kept: 7000, Confirmed: 7000, ByBase: 7000}}, Compared: "20260101T000000Z"}
	if got, want := r.Headline(), "app.db: 7,095 rows out of the damaged files; about 2 lost, 3 from the older copy, 1 doubted."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	page := string(r.HTML())
	for _, want := range []string{`<th scope="row">orders</th><td>90</td><td>5</td><td>90</td><td>4</td><td>1</td><td>1</td><td>3</td><td>2</td><td>0</td>`, "light yellow",
		"7,090 rows confirmed (7,088 by the backup of 2026-01-01 00:00 UTC, 2 by the write-ahead log); ",
		"4 rows newer than that or changed since: whole, but nothing confirms them; 1 doubted, 1 of them from an older image of its page.", "Of these from older images", "20260101T000000Z", "color-scheme:light dark"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	data, err := r.JSON()
	var back loss.Report
	if err != nil || json.Unmarshal(data, &back) != nil || back.Sum().Lost != 2 || back.Layer != loss.Merge {
		t.Errorf("got %s %v", data, err)
	}
}

func TestReport_ofWhatIsWholeIsGreen(t *testing.T) {
	r := loss.Report{Layer: loss.Reindex, Database: "app.db", Tables: []loss.Table{{Name: "orders", Kept: 9}}}
	if !r.Whole() || !strings.Contains(string(r.HTML()), "light green") || r.Headline() != "app.db: all 9 rows are there." {
		t.Errorf("got %v %q", r.Whole(), r.Headline())
	}
	r.Findings = []string{"page 3"}
	if r.Whole() || !strings.Contains(string(r.HTML()), "light red") {
		t.Error("a database that does not pass its check is called whole")
	}
}

func TestCertainty_saysPlainlyWhatConfirmsARowAndWhatDoesNot(t *testing.T) {
	for _, c := range []struct {
		table loss.Table
		older string
		want  string
	}{
		{loss.Table{}, "", ""},
		{loss.Table{Kept: 34000, Uncertain: 34000, Unconfirmed: 34000}, "",
			"nothing confirms the 34,000 rows that are there: whole, but there is no older copy to compare with"},
		{loss.Table{Kept: 34000, Uncertain: 200, Unconfirmed: 188, Doubted: 12, Confirmed: 33800, ByBase: 33800}, loss.Backup("20261126T140000Z"),
			"33,800 rows confirmed by the backup of 2026-11-26 14:00 UTC; 188 rows newer than that or changed since: whole, but nothing confirms them; 12 doubted"},
		{loss.Table{Kept: 10, Uncertain: 1, Unconfirmed: 1, Confirmed: 9, ByIndex: 4, ByLog: 5}, "",
			"9 rows confirmed (4 by indexes, 5 by the write-ahead log); 1 row whole, but nothing confirms it (there is no older copy to compare with)"},
		{loss.Table{Kept: 10, Salvaged: 7, Uncertain: 7, Doubted: 7, FromOlder: 5, Confirmed: 10, ByIndex: 10}, "",
			"10 rows confirmed by indexes; 7 doubted, 5 of them from older images of their pages"},
		{loss.Table{Kept: 10, Uncertain: 10, Undated: 10, AsInBase: 8}, "old.db", "10 rows of doubtful age, 8 of them as old.db has them"},
		{loss.Table{Kept: 1234567, Confirmed: 1234567, ByIndex: 1234567}, "old.db", "1,234,567 rows confirmed by indexes"},
		{loss.Table{Kept: 2, Uncertain: 2, Unconfirmed: 1, Doubted: 1}, "",
			"nothing confirms the row that is there: whole, but there is no older copy to compare with; 1 doubted"},
	} {
		if got := c.table.Certainty(c.older); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	if got := loss.Backup("by hand"); got != "the backup by hand" {
		t.Errorf("got %q", got)
	}
}
