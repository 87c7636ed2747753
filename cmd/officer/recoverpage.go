package main

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"

	"github.com/officer-doofy/officer/internal/loss"
	"github.com/officer-doofy/officer/internal/report"
	"github.com/officer-doofy/officer/messages"
)

// reportFiles gives the files of a report: the page that was asked for, and its JSON.
func reportFiles(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path, strings.TrimSuffix(path, filepath.Ext(path)) + ".json"}
}

// writeReports writes what recover found as a page and as JSON.
func writeReports(path string, r *recoverResult) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	content := [][]byte{[]byte(recoverPage(r)), append(data, '\n')}
	for i, name := range reportFiles(path) {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.Write(content[i])
			if closed := f.Close(); err == nil {
				err = closed
			}
		}
		if err != nil {
			return messages.NewFailure("io_error", "write report", "the report %s could not be written", filepath.Base(name)).
				WithDid("The recovered database is whole and in its place: " + r.To + ".")
		}
	}
	return nil
}

// pageHead is all the style the page needs, for light and dark and for print; it loads
// nothing.
const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%[1]s</title>
<style>
:root{color-scheme:light dark;--line:#8886;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%%}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere}
tr.whole{opacity:.75}
dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}
p.light{font-size:1.1rem;padding:.6rem .8rem;border-left:.4rem solid;background:var(--soft)}
.green{border-color:#1a7f37}.yellow{border-color:#bf8700}.red{border-color:#cf222e}
</style></head><body><main>
<h1>%[1]s</h1>
`

// recoverPage makes a page that can be read without anything else.
func recoverPage(r *recoverResult) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	text := html.EscapeString
	put(pageHead, text("What was salvaged of "+filepath.Base(r.File)))
	colour, word := "green", "Whole"
	switch r.Code {
	case report.Warnings:
		colour, word = "yellow", "Done, with losses or doubts"
	case report.Damage:
		colour, word = "red", "Damaged"
	}
	put("<p class=\"light %s\"><strong>%s.</strong> %s; %s.</p>\n", colour, word, text(r.headline()), text(r.verdictText()))
	if certain := certainty(r.Tables, r.older()); certain != "" {
		put("<p>%s.</p>\n", text(strings.ToUpper(certain[:1])+certain[1:]))
	}
	put("<dl><dt>Damaged file</dt><dd>%s, %d pages of %d bytes, write-ahead log of %d bytes; it was only read</dd>\n",
		text(r.File), r.Pages, r.PageSize, r.WALBytes)
	put("<dt>New file</dt><dd>%s</dd>\n", text(r.To))
	if r.Base != "" {
		put("<dt>Older copy</dt><dd>%s</dd>\n", text(r.Base))
	}
	put("</dl>\n<h2>Tables</h2>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Table</th><th scope=\"col\">Salvaged</th>" +
		"<th scope=\"col\">Of these confirmed</th><th scope=\"col\">Unconfirmed</th><th scope=\"col\">Doubted</th>" +
		"<th scope=\"col\">Of these from older images</th><th scope=\"col\">From the older copy</th><th scope=\"col\">Lost, estimate</th><th scope=\"col\">Set aside</th></tr></thead><tbody>\n")
	for _, t := range r.Tables {
		class := ""
		if t.whole() {
			class = ` class="whole"`
		}
		put("<tr%s><td>%s</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td><td>%d</td></tr>\n",
			class, text(t.Name), t.Salvaged, t.Confirmed, t.Unconfirmed+t.Undated, t.Doubted, t.FromOlder, t.FromBase, t.Lost, t.Strays)
	}
	put("</tbody></table></div>\n")
	put("<p>" + loss.Legend + " Rows that were set aside are in the table " +
		"<code>lost_and_found</code> of the new file; <code>lost_and_found_why</code> says of each what speaks against it.</p>\n")
	var notes []string
	notes = append(notes, r.notes()...)
	for _, t := range r.Tables {
		for _, note := range t.Notes {
			notes = append(notes, t.Name+": "+note)
		}
	}
	for _, f := range r.Findings {
		notes = append(notes, "check of the new file: "+report.FindingText(f.Object, f.Page, f.Detail))
	}
	if len(notes) > 0 {
		put("<h2>Notes</h2>\n<ul>\n")
		for _, note := range notes {
			put("<li>%s</li>\n", text(note))
		}
		put("</ul>\n")
	}
	put("</main></body></html>\n")
	return b.String()
}
