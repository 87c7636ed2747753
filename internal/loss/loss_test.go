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
		{Name: "orders", Kept: 90, Salvaged: 5, FromBase: 3, Lost: 2, Uncertain: 1}, {Name: "tags", Kept: 7}}}
	if got, want := r.Headline(), "app.db: 101 rows proven; about 2 lost, 3 from the older copy, 1 uncertain."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	page := string(r.HTML())
	for _, want := range []string{`<th scope="row">orders</th><td>90</td><td>5</td><td>3</td><td>2</td><td>1</td><td>0</td>`, "light yellow", "20260101T000000Z", "color-scheme:light dark"} {
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
