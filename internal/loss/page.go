package loss

import (
	"fmt"
	"html"
	"strings"
)

// pageHead is all the style the page needs, for light and dark and for print; it loads
// nothing.
const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%[1]s</title>
<style>
:root{color-scheme:light dark;--line:#8886;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%%}
caption{text-align:left;padding-bottom:.5rem}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere}
dt{font-weight:600}dd{margin:0 0 .5rem}
p.light{font-size:1.1rem;padding:.6rem .8rem;border-left:.4rem solid;background:var(--soft)}
.green{border-color:#1a7f37}.yellow{border-color:#bf8700}.red{border-color:#cf222e}
</style></head><body><main>
<h1>%[1]s</h1>
`

// Legend says in HTML what the columns of a table of tables mean.
const Legend = "A row is confirmed when something other than itself speaks for it: the older copy has it just so, indexes that agree hold each of its " +
	"values, or it stands in the write-ahead log with a checksum that holds. An unconfirmed row is whole, and nothing speaks for or against it: " +
	"a flipped bit in a value, or a write that the disk lost, would look the same. Something speaks against a doubted row. All three are in their " +
	"table. Rows from the older copy fill places that are lost; they may have been changed since."

// page is a page in the making. Every text that comes from a database goes through text:
// names of tables are whatever somebody wanted them to be.
type page struct{ strings.Builder }

func (p *page) put(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// text makes a text safe, also against characters that turn the direction of a line.
func text(s string) string {
	return html.EscapeString(strings.Map(func(c rune) rune {
		switch {
		case c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0,
			c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0x200e, c == 0x200f:
			return '\uFFFD'
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD")))
}

// HTML gives the report for people.
func (r *Report) HTML() []byte {
	p := &page{}
	p.put(pageHead, text("What was recovered of "+r.Database))
	colour, word := "green", "Whole"
	switch {
	case len(r.Findings) > 0:
		colour, word = "red", "Damaged: the new database does not pass its check"
	case !r.Whole() || len(r.ForeignKeys)+len(r.Rules) > 0:
		colour, word = "yellow", "Done, with losses or doubts"
	}
	p.put("<p class=\"light %s\"><strong>%s.</strong> %s</p>\n", colour, word, text(r.Headline()))
	sum := r.Sum()
	if certain := sum.Certainty(Backup(r.Compared)); certain != "" {
		p.put("<p>%s.</p>\n", text(strings.ToUpper(certain[:1])+certain[1:]))
	}
	p.put("<dl>\n")
	for _, line := range [][2]string{{"How", r.Layer.Words()}, {"New file", r.Into}, {"Older copy", r.Base}, {"Compared with", r.Compared}, {"Damaged files", r.Evidence}} {
		if line[1] != "" {
			p.put("<dt>%s</dt><dd>%s</dd>\n", line[0], text(line[1]))
		}
	}
	p.put("</dl>\n")
	p.tables(r)
	p.lists(r)
	p.put("</main></body></html>\n")
	return []byte(p.String())
}

func (p *page) tables(r *Report) {
	p.put("<h2>Tables</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Tables\"><table><thead><tr>")
	for _, head := range []string{"Table", "In place", "Salvaged", "Of these confirmed", "Unconfirmed", "Doubted", "Of these from older images", "From the older copy", "Lost, estimate", "Set aside"} {
		p.put("<th scope=\"col\">%s</th>", head)
	}
	p.put("</tr></thead><tbody>\n")
	for i := range r.Tables {
		t := &r.Tables[i]
		p.put("<tr><th scope=\"row\">%s</th>", text(t.Name))
		for _, n := range []int64{t.Kept, t.Salvaged, t.Confirmed, t.Unconfirmed + t.Undated, t.Doubted, t.FromOlder, t.FromBase, t.Lost, t.SetAside} {
			p.put("<td>%s</td>", Number(n))
		}
		p.put("</tr>\n")
	}
	p.put("</tbody></table></div>\n<p>" + Legend)
	if r.AsideIn != "" {
		p.put(" Rows that were set aside are in <code>%s</code>, each with the reason; each row that is not proven is named there.", text(r.AsideIn))
	}
	p.put("</p>\n")
}

func (p *page) lists(r *Report) {
	notes := append([]string(nil), r.Notes...)
	for i := range r.Tables {
		for _, note := range r.Tables[i].Notes {
			notes = append(notes, r.Tables[i].Name+": "+note)
		}
	}
	var orphans []string
	for _, k := range r.ForeignKeys {
		orphans = append(orphans, k.Words())
	}
	if len(orphans) >= ForeignKeysMax {
		orphans = append(orphans, "there may be more")
	}
	for _, list := range []struct {
		head  string
		lines []string
	}{{"Check of the new database", r.Findings}, {"Rows without a parent", orphans}, {"Rules of the application that do not hold", r.Rules}, {"Notes", notes}} {
		if len(list.lines) == 0 {
			continue
		}
		p.put("<h2>%s</h2>\n<ul>\n", list.head)
		for _, line := range list.lines {
			p.put("<li>%s</li>\n", text(line))
		}
		p.put("</ul>\n")
	}
}

// Words says which row has no parent.
func (k ForeignKey) Words() string {
	if !k.HasRowid {
		return fmt.Sprintf("a row of %s has no parent in %s", k.Table, k.Parent)
	}
	return fmt.Sprintf("row %d of %s has no parent in %s", k.Rowid, k.Table, k.Parent)
}

// Headline says in one sentence how it went.
func (r *Report) Headline() string {
	sum := r.Sum()
	var parts []string
	for _, part := range []struct {
		n    int64
		text string
	}{
		{sum.Lost, "about %s lost"}, {sum.FromBase, "%s from the older copy"}, {sum.Doubted, "%s doubted"}, {sum.SetAside, "%s set aside"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf(part.text, Number(part.n)))
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s: all %s are there.", r.Database, rows(sum.Kept+sum.Salvaged))
	}
	return fmt.Sprintf("%s: %s out of the damaged files; %s.", r.Database, rows(sum.Kept+sum.Salvaged), strings.Join(parts, ", "))
}
