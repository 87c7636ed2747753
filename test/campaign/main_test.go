package campaign

import (
	"os"
	"runtime/debug"
	"testing"

	cmap "github.com/orcaman/concurrent-map"
)

// TestMain sets the process up as command officer does its own: protoactor keeps its few
// actors in 1,024 maps that are cut into so many shards each, which was a tenth of all work
// here. Millions of short lives leave garbage that is worth collecting rarely.
func TestMain(m *testing.M) {
	cmap.SHARD_COUNT = 1
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
