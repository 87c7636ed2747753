package browser

import (
	"encoding/json"
	"os"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// axeCore is the checker of accessibility, https://github.com/dequelabs/axe-core.
var axeCore = sync.OnceValues(func() (string, error) {
	data, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	return string(data), err
})

// violation is one rule that does not hold.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string            `json:"html"`
		Summary string            `json:"failureSummary"`
		Target  []json.RawMessage `json:"target"`
	} `json:"nodes"`
}

// accessible fails when axe finds a violation: WCAG 2.2 A and AA, and good practice.
func (tb *tab) accessible() {
	tb.Helper()
	for _, v := range tb.violations() {
		var nodes []string
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			nodes = append(nodes, n.HTML[:min(200, len(n.HTML))]+"\n      "+strings.ReplaceAll(n.Summary, "\n", "\n      "))
		}
		tb.Errorf("axe: %s: %s (%d)\n    %s", v.ID, v.Help, len(v.Nodes), strings.Join(nodes, "\n    "))
	}
}

func (tb *tab) violations() []violation {
	tb.Helper()
	axe, err := axeCore()
	if err != nil {
		tb.Fatalf("axe-core is missing, run npm ci in test/browser: %v", err)
	}
	tb.do(chromedp.Evaluate[chromedp.Void](axe + "\n;undefined"))
	found, err := chromedp.Run(tb.ctx, chromedp.Evaluate[[]violation](
		`axe.run(document, {resultTypes: ['violations'], preload: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => r.violations)`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		tb.Fatalf("axe: %v", err)
	}
	return found
}
