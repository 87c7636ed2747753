package main

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/messages"
)

func TestEnding_refusesOrdersAndAnswersQuestions(t *testing.T) {
	e := newEnding()
	if _, err := e.enter(&messages.TakeBackup{}); err != nil {
		t.Fatalf("got %v before the end, want to be let in", err)
	}
	e.want("first", time.Minute)
	e.want("second", 0)
	_, err := e.enter(&messages.TakeBackup{})
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "stopping" {
		t.Errorf("got %v for an order, want stopping", err)
	}
	if _, err := e.enter(&messages.GetStatus{}); err != nil {
		t.Errorf("got %v for a question, want an answer", err)
	}
	if got := e.why(); got != "first" {
		t.Errorf("the reason is %q, want the first one", got)
	}
}

func TestEnding_waitsForWhatIsUnderWayAsLongAsWasPromised(t *testing.T) {
	for _, c := range []struct {
		name              string
		takes, finish, is time.Duration
	}{
		{"finished in time", time.Second, time.Minute, time.Second},
		{"cancelled", time.Hour, time.Minute, time.Minute},
		{"nothing promised", time.Hour, 0, 0},
		{"promised too much", time.Hour, 24 * time.Hour, finishMax},
		{"a negative promise", time.Hour, -time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, start := newEnding(), time.Now()
				left, err := e.enter(&messages.RestoreBackup{})
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(c.takes, left)
				e.want("a test", c.finish)
				e.rest()
				if got := time.Since(start); got != c.is {
					t.Errorf("rested %v, want %v", got, c.is)
				}
			})
		})
	}
}

func TestEnding_restsUntilSomebodyWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, start := newEnding(), time.Now()
		time.AfterFunc(time.Hour, func() { e.want("a test", time.Minute) })
		e.rest()
		if got := time.Since(start); got != time.Hour || !e.stopping() {
			t.Errorf("rested %v, want an hour", got)
		}
	})
}
