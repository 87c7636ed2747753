package main

import (
	"context"

	"golang.org/x/sys/windows/svc"
)

// serviced runs work as a Windows service when the service manager started this process;
// ok is false when somebody else did.
func serviced(work func(context.Context) int) (code int, ok bool) {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return 0, false
	}
	s := &service{work: work}
	if err := svc.Run("", s); err != nil {
		return 1, true
	}
	return s.code, true
}

// service answers the service manager (https://learn.microsoft.com/en-us/windows/win32/services/service-control-handler-function).
type service struct {
	work func(context.Context) int
	code int
}

// Execute is part of svc.Handler. It returns when the work has ended, with its exit code as
// the service's own.
func (s *service) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- s.work(ctx) }()
	running := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	status <- running
	for {
		select {
		case s.code = <-ended:
			// Stopped while there was something to warn of is no failure.
			if ctx.Err() != nil || s.code == 0 {
				return false, 0
			}
			return true, uint32(s.code)
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: 10_000}
				cancel()
			}
		}
	}
}
