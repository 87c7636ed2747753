package config

import (
	"strings"
	"testing"
	"time"
)

func TestParse_aMegabyteMadeToHurtEndsSoon(t *testing.T) {
	for name, text := range map[string]string{
		"lines": strings.Repeat("a: b\n", bytesMax/5), "flow": "a: [" + strings.Repeat("a,", bytesMax/2-10) + "]", "flowmap": "{" + strings.Repeat("a: b,", bytesMax/5-10) + "}",
		"quoted": `a: "` + strings.Repeat(`\n`, bytesMax/2-10) + `"`, "seq": strings.Repeat("- a\n", bytesMax/4), "spaces": "a:" + strings.Repeat(" ", bytesMax-10),
		"newlines": strings.Repeat("\n", bytesMax), "plain": "a: " + strings.Repeat("b c ", bytesMax/4-10), "multi": "a:\n" + strings.Repeat(" b\n", bytesMax/3-10), "lit": "a: |\n" + strings.Repeat(" b\n", bytesMax/3-10),
		"comment": strings.Repeat("#\n", bytesMax/2), "colons": strings.Repeat(":", bytesMax), "amp": strings.Repeat("a&", bytesMax/2), "docs": strings.Repeat("---\n", bytesMax/4), "quote1": "a: '" + strings.Repeat("b\n", bytesMax/2-10),
	} {
		began := time.Now()
		_, _ = Parse("f.yaml", []byte(text), nil)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s took %s", name, took)
		}
	}
}
