package main

import (
	"errors"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/officer-doofy/officer/internal/unit"
	"github.com/officer-doofy/officer/messages"
)

// ownerOf is nobody here: a service runs as LocalSystem, which may open every database.
func ownerOf(string) (owner, group string) { return "", "" }

// serviceStopsWithin is how long a service that is removed gets to stop.
const serviceStopsWithin = 15 * time.Second

func serviceFailure(err error) error {
	f := messages.NewFailure("permission", "install", "the service manager refused").WithDid("Nothing was changed.")
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return f.WithHints("the same as administrator")
	}
	f.Code, f.Text = "failed", "the service manager failed: "+sentenceOf(err)
	return f
}

// lookAtService finds out whose the service of a name is.
func lookAtService(name string) (existing, error) {
	had := existing{name: name}
	m, err := mgr.Connect()
	if err != nil {
		return had, serviceFailure(err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(name)
	if err != nil {
		return had, nil //nolint:nilerr // it is not there
	}
	defer s.Close()
	config, err := s.Config()
	if err != nil {
		return had, serviceFailure(err)
	}
	had.there, had.text = true, config.BinaryPathName+"\n"
	had.state = unit.WindowsState(config.Description, config.BinaryPathName)
	return had, nil
}

// createService makes a service, or gives the one that install made new settings, and
// starts it.
func createService(u unit.Unit) error {
	m, err := mgr.Connect()
	if err != nil {
		return serviceFailure(err)
	}
	defer func() { _ = m.Disconnect() }()
	config := mgr.Config{
		ServiceType: windows.SERVICE_WIN32_OWN_PROCESS, StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal, DelayedAutoStart: true,
		DisplayName: u.Name, Description: unit.WindowsDescription(u), BinaryPathName: unit.CommandLine(u),
	}
	s, err := m.OpenService(u.Name)
	if err == nil {
		err = s.UpdateConfig(config)
	} else {
		s, err = m.CreateService(u.Name, u.Program, config, u.Args...)
		if err == nil {
			err = s.UpdateConfig(config) // the command line just as it is sealed
		}
	}
	if err != nil {
		return serviceFailure(err)
	}
	defer s.Close()
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: 2 * time.Second}
	if err := s.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, 24*60*60); err != nil {
		return serviceFailure(err)
	}
	if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return serviceFailure(err)
	}
	return nil
}

// deleteService stops a service and takes it away.
func deleteService(name string) error {
	m, err := mgr.Connect()
	if err != nil {
		return serviceFailure(err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(name)
	if err != nil {
		return serviceFailure(err)
	}
	defer s.Close()
	if _, err := s.Control(svc.Stop); err == nil {
		awaitStop(s)
	}
	if err := s.Delete(); err != nil {
		return serviceFailure(err)
	}
	return nil
}

// awaitStop waits for the last checkpoint.
func awaitStop(s *mgr.Service) {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(serviceStopsWithin)
	defer late.Stop()
	for {
		select {
		case <-look.C:
			if status, err := s.Query(); err != nil || status.State == svc.Stopped {
				return
			}
		case <-late.C:
			return
		}
	}
}
