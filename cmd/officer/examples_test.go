package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/officer-doofy/officer/internal/unit"
)

func example(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestExamples_systemdUnitIsWhatInstallWrites: who copies the file gets what install would
// have written, seal and all.
func TestExamples_systemdUnitIsWhatInstallWrites(t *testing.T) {
	want := unit.Systemd(unit.Unit{
		Name: "officer-app", Description: "Officer looks after /srv/app/app.db", Program: "/usr/bin/officer",
		Args: []string{"run", "--quiet", "--wait", "/srv/app/app.db"}, System: true, User: "app", Group: "app",
		Folders: []string{"/srv/app"}, OwnTmp: true,
	})
	if got := string(example(t, "systemd/officer-app.service")); got != want {
		t.Errorf("examples/systemd/officer-app.service is\n%s\nwant\n%s", got, want)
	}
}

// statefulSet is what the test reads of the manifest.
type statefulSet struct {
	Kind string
	Spec struct {
		Replicas int
		Template struct {
			Spec podSpec
		}
		VolumeClaimTemplates []struct {
			Metadata struct{ Name string }
		} `yaml:"volumeClaimTemplates"`
	}
}

type podSpec struct {
	ShareProcessNamespace bool `yaml:"shareProcessNamespace"`
	SecurityContext       struct {
		RunAsUser int `yaml:"runAsUser"`
	} `yaml:"securityContext"`
	InitContainers []container `yaml:"initContainers"`
	Containers     []container
	Volumes        []struct{ Name string }
}

type container struct {
	Name          string
	Args          []string
	RestartPolicy string `yaml:"restartPolicy"`
	Env           []struct{ Name, Value string }
	Ports         []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	StartupProbe  probe `yaml:"startupProbe"`
	LivenessProbe probe `yaml:"livenessProbe"`
	VolumeMounts  []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func (c container) mounts(path string) (volume string) {
	for _, m := range c.VolumeMounts {
		if path == m.MountPath || strings.HasPrefix(path, m.MountPath+"/") {
			volume = m.Name
		}
	}
	return volume
}

func TestExamples_podSharesWhatItMustShare(t *testing.T) {
	var set statefulSet
	if err := yaml.Unmarshal(example(t, "kubernetes/app.yaml"), &set); err != nil {
		t.Fatal(err)
	}
	pod := set.Spec.Template.Spec
	if set.Kind != "StatefulSet" || set.Spec.Replicas != 1 || len(pod.InitContainers) != 1 || len(pod.Containers) != 1 {
		t.Fatalf("got %+v", set)
	}
	officer, app := pod.InitContainers[0], pod.Containers[0]
	if officer.RestartPolicy != "Always" || pod.SecurityContext.RunAsUser == 0 || !pod.ShareProcessNamespace {
		t.Errorf("it is no sidecar of one user: %+v", pod)
	}
	for _, p := range []probe{officer.StartupProbe, officer.LivenessProbe} {
		if p.HTTPGet.Path != "/livez" || p.HTTPGet.Port != officer.Ports[0].Name {
			t.Errorf("the probe asks %+v, want /livez", p)
		}
	}
	// What officer itself makes of the arguments.
	run, rest, err := (&cli{}).command().Find(officer.Args)
	if err != nil || run.Name() != "run" {
		t.Fatalf("the arguments are %q: %v", officer.Args, err)
	}
	if err := run.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{}
	run.Flags().Visit(func(f *pflag.Flag) { flags[f.Name] = f.Value.String() })
	databases := run.Flags().Args()
	if len(databases) != 1 || flags["wait"] != "true" || !strings.HasSuffix(flags["listen"], ":8484") || officer.Ports[0].ContainerPort != 8484 {
		t.Errorf("it runs %q with %v", databases, flags)
	}
	data, backups := officer.mounts(databases[0]), officer.mounts(flags["home"])
	if data == "" || backups == "" || data == backups {
		t.Errorf("the database is on %q, its backups on %q; want two volumes", data, backups)
	}
	if app.mounts(databases[0]) != data {
		t.Errorf("the app does not share the volume %q", data)
	}
	if app.Env[0].Name != "OFFICER_SOCKET" || app.Env[0].Value != filepath.Join(flags["home"], "officer.sock") {
		t.Errorf("the app looks for the socket at %+v", app.Env)
	}
	names := []string{}
	for _, v := range set.Spec.VolumeClaimTemplates {
		names = append(names, v.Metadata.Name)
	}
	for _, v := range pod.Volumes {
		names = append(names, v.Name)
	}
	for _, m := range append(officer.VolumeMounts, app.VolumeMounts...) {
		if !slices.Contains(names, m.Name) {
			t.Errorf("there is no volume %q", m.Name)
		}
	}
}
