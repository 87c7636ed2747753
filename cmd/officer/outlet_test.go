package main

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestOutlet_aReaderThatDoesNotReadHoldsUpTheRunButNotItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		o := newOutlet(out)
		wrote := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := io.WriteString(o, "a line\n")
			wrote <- err
		}()
		time.AfterFunc(time.Hour, o.hurry)
		if err := <-wrote; !errors.Is(err, errStuck) {
			t.Errorf("got %v, want that nobody reads", err)
		}
		if took := time.Since(start); took != time.Hour+writeWithin {
			t.Errorf("it took %v, want an hour and %v", took, writeWithin)
		}
		if _, err := io.WriteString(o, "the last\n"); !errors.Is(err, errStuck) || time.Since(start) != time.Hour+writeWithin {
			t.Errorf("got %v after %v, want no second wait", err, time.Since(start))
		}
		in.Close()
	})
}

func TestOutlet_passesOn(t *testing.T) {
	var b bytes.Buffer
	o := newOutlet(&b)
	o.hurry()
	o.hurry()
	if _, err := io.WriteString(o, "a line\n"); err != nil || b.String() != "a line\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
	in, out := io.Pipe()
	in.Close()
	if _, err := io.WriteString(newOutlet(out), "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want what the writer said", err)
	}
}
