package testkit_test

import (
	"testing"
	"time"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// A test of an actor: neighbours are probes, the database is real, time is virtual.
func ExampleRun() {
	t := new(testing.T) // of the test function

	testkit.Run(t, func(b *testkit.Bench) {
		path := testkit.Build(b.T, b.T.TempDir(), testkit.WAL)
		b.Database(path) // checked when everything has stopped

		owner := b.Probe("officer/app/dbowner")
		testkit.On(owner, func(*messages.InspectDatabase) any {
			return &messages.DatabaseFacts{Path: path}
		})
		clerk := b.Spawn(clerkProps(owner.PID()), "officer/app/clerk")

		report := testkit.Ask[*messages.HealthReport](b, clerk, &messages.GetHealth{})
		b.T.Logf("got %v", report)
		testkit.Expect[*messages.InspectDatabase](owner)

		b.Advance(24 * time.Hour) // in no time
		testkit.Expect[*messages.HealthChanged](owner)
		owner.Silent(365 * 24 * time.Hour)
	})
}

// Damage that only a comparison of content finds.
func ExampleFlip() {
	t := new(testing.T) // of the test function

	path := testkit.Build(t, t.TempDir(), testkit.Page4096)
	did := testkit.Flip(t, path, "items", 7)
	if c := testkit.Integrity(t, path); len(c) > 0 {
		t.Errorf("%s: got %q, want a well-formed database", did, c)
	}
}
