package supervisor

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/messages"
)

// ofAll answers what concerns Officer as a whole and no single database.
func (r *Running) ofAll(ctx context.Context, msg proto.Message) (answer proto.Message, is bool, err error) {
	switch msg := msg.(type) {
	case *messages.GetInfo:
		return r.Info(), true, nil
	case *messages.ListDatabasesRequest:
		return r.list(ctx, msg.NamesOnly), true, nil
	case *messages.Ping:
		pong, err := kit.Ask[*messages.Pong](ctx, r.system, r.root, msg, nil)
		return pong, true, err
	// Whoever read the file, or is the process, answers these: see Reload and Stop.
	case *messages.ReloadConfig:
		return nil, true, messages.NewFailure("unsupported", "reload the configuration",
			"this Officer was not started from a configuration file").WithDid("Nothing was changed.")
	case *messages.GetConfigRequest:
		return nil, true, messages.NewFailure("unsupported", "show the configuration",
			"this Officer is part of another program, which has its settings")
	case *messages.StopOfficer:
		return nil, true, messages.NewFailure("unsupported", "stop", "this Officer is part of another program, which alone can stop it").
			WithDid("Nothing was changed.")
	}
	return nil, false, nil
}

const (
	// healthWithin is how long a list waits for the colour of a database.
	healthWithin = 2 * time.Second
	// healthAtOnce bounds how many are asked at the same time.
	healthAtOnce = 16
)

// list gives what is looked after, each with its health. One that does not answer is red.
func (r *Running) list(ctx context.Context, namesOnly bool) *messages.ListDatabasesResponse {
	out := &messages.ListDatabasesResponse{}
	posts := r.all()
	for _, p := range posts {
		out.Databases = append(out.Databases, &messages.LookedAfter{Name: p.name, Path: p.path, Home: p.home})
	}
	for _, p := range r.Problems() {
		out.Problems = append(out.Problems, &messages.Unwatched{Path: p.Path, Failure: p.Failure})
	}
	if namesOnly {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	var asking sync.WaitGroup
	turns := make(chan struct{}, healthAtOnce)
	for i, p := range posts {
		turns <- struct{}{}
		asking.Go(func() {
			defer func() { <-turns }()
			one := out.Databases[i]
			h, err := kit.Ask[*messages.HealthReport](ctx, r.system, kit.NewPeers(r.system, p.tree.Id).Of("health"), &messages.GetHealth{}, nil)
			if err != nil {
				one.Health, one.Headline = messages.Severity_SEVERITY_RED, "Officer's own health part does not answer."
				return
			}
			one.Health, one.Headline = h.Health, h.Headline
		})
	}
	asking.Wait()
	return out
}
