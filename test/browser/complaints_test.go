package browser

import (
	"context"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// complaints is what a browser says in its console: errors of scripts, and what the
// content security policy kept out.
type complaints struct {
	mu    sync.Mutex
	lines []string
}

// hear takes them until ctx is done.
func (c *complaints) hear(ctx context.Context) {
	for m, err := range chromedp.Console(ctx) {
		if err != nil {
			return
		}
		c.mu.Lock()
		c.lines = append(c.lines, string(m.Type)+": "+m.Text+" "+m.URL)
		c.mu.Unlock()
	}
}

// String gives all of them.
func (c *complaints) String() string { return strings.Join(c.but(), "\n") }

// but gives those that do not hold any of these words.
func (c *complaints) but(expected ...string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
next:
	for _, line := range c.lines {
		for _, word := range expected {
			if strings.Contains(line, word) {
				continue next
			}
		}
		out = append(out, line)
	}
	return out
}
