package image

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"aquarium/rootfs"
)

// What an image says about running it comes out as it went in, with changes on top, too.
func TestConfigurationIsKept(t *testing.T) {
	t.Parallel()
	want := v1.Config{
		Entrypoint: []string{"/entry"}, Cmd: []string{"argument"}, Env: []string{"A=b"}, User: "7", WorkingDir: "/work", StopSignal: "SIGINT",
		Labels: map[string]string{"org.example": "<x>"}, ExposedPorts: map[string]struct{}{"80/tcp": {}}, Volumes: map[string]struct{}{"/data": {}},
		OnBuild: []string{"RUN x"}, Shell: []string{"/bin/sh", "-c"}, Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "x"}, Interval: time.Second},
	}
	config, err := sample(t, thisMachine()).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config = want
	image, err := mutate.ConfigFile(sample(t, thisMachine()), config)
	if err != nil {
		t.Fatal(err)
	}
	c := newStore(t)
	r := mustImport(t, c, "one", writeLayout(t, image), Options{})
	lower, _, err := c.Layers(r)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(lower)
	upper := t.TempDir()
	if err := os.WriteFile(filepath.Join(upper, "new"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	changed, err := c.Commit(t.Context(), "changed", r, []rootfs.Written{{Dest: "/", Upper: upper, Lower: lower}}, rootfs.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []rootfs.Rootfs{r, changed} {
		made, err := build(t.Context(), c, r, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := made.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Config, want) {
			t.Errorf("%s: the configuration is %+v, want %+v", r.Name, got.Config, want)
		}
	}
}

// A document that could not be read again is not written.
func TestLargeConfiguration(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	config, err := json.Marshal(map[string]string{"x": strings.Repeat("x", 5<<20)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Build("x", func() (rootfs.Document, error) {
		archive, err := layerOf(t, file{"a", ""}).Uncompressed()
		if err != nil {
			return rootfs.Document{}, err
		}
		l, err := c.AddLayer(t.Context(), archive, rootfs.LayerOptions{})
		return rootfs.Document{Layers: []string{l.Digest}, Config: config}, err
	})
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("the error is %v", err)
	}
	if got := left(t, c); got != "0 0 0" {
		t.Errorf("names, layers and work are %s, want none", got)
	}
}
