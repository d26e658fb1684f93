package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// closedRegistry lets in fish with the password sea, and has "team/image:1".
func closedRegistry(t *testing.T) (host string) {
	t.Helper()
	open := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "fish" || password != "sea" {
			w.Header().Set("WWW-Authenticate", `Basic realm="reef"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		open.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/team/image:1")
	if err == nil {
		err = remote.Write(ref, image, remote.WithAuth(&authn.Basic{Username: "fish", Password: "sea"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// What podman login and docker login leave is found, in the order in which they
// look; helpers are programs of the PATH and of nowhere else.
func TestCredentials(t *testing.T) {
	t.Parallel()
	host := closedRegistry(t)
	file := func(key, password string) string {
		login := base64.StdEncoding.EncodeToString([]byte("fish:" + password))
		return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, key, login)
	}
	const helper = "#!/bin/sh\ncat >/dev/null\necho '{\"Username\":\"fish\",\"Secret\":\"sea\"}'\n"
	helped := fmt.Sprintf(`{"credHelpers":{%q:"reef"}}`, host)
	const refused = "the registry refuses access, or there is no such image\nhint: log in with podman login"
	for about, test := range map[string]struct {
		files map[string]string // below the test's directory
		env   []string          // % is the test's directory
		want  string            // of the error
	}{
		"nobody":                 {nil, nil, refused},
		"wrong":                  {map[string]string{"home/.docker/config.json": file(host, "lake")}, nil, refused},
		"named":                  {map[string]string{"a.json": file(host, "sea")}, []string{"REGISTRY_AUTH_FILE=%/a.json"}, ""},
		"podman, running":        {map[string]string{"run/containers/auth.json": file(host, "sea")}, []string{"XDG_RUNTIME_DIR=%/run"}, ""},
		"podman, kept":           {map[string]string{"home/.config/containers/auth.json": file(host, "sea")}, nil, ""},
		"podman, for a team":     {map[string]string{"home/.config/containers/auth.json": file(host+"/team", "sea")}, nil, ""},
		"podman, for one image":  {map[string]string{"home/.config/containers/auth.json": file(host+"/team/image", "sea")}, nil, ""},
		"podman, for another":    {map[string]string{"home/.config/containers/auth.json": file(host+"/tea", "sea")}, nil, refused},
		"docker":                 {map[string]string{"home/.docker/config.json": file(host, "sea")}, nil, ""},
		"docker, older":          {map[string]string{"home/.docker/config.json": file("http://"+host+"/v1/", "sea")}, nil, ""},
		"docker, elsewhere":      {map[string]string{"d/config.json": file(host, "sea")}, []string{"DOCKER_CONFIG=%/d"}, ""},
		"docker without, podman": {map[string]string{"home/.docker/config.json": `{"auths":{}}`, "run/containers/auth.json": file(host, "sea")}, []string{"XDG_RUNTIME_DIR=%/run"}, ""},
		"named before others":    {map[string]string{"a.json": file(host, "lake"), "home/.docker/config.json": file(host, "sea")}, []string{"REGISTRY_AUTH_FILE=%/a.json"}, refused},
		"damaged":                {map[string]string{"home/.docker/config.json": "{\x1b"}, nil, "credentials in %/home/.docker/config.json: "},
		"helper":                 {map[string]string{"home/.docker/config.json": helped, "bin/docker-credential-reef": helper}, []string{"PATH=%/bin:/usr/bin:/bin"}, ""},
		"helper of all":          {map[string]string{"home/.docker/config.json": `{"credsStore":"reef"}`, "bin/docker-credential-reef": helper}, []string{"PATH=%/bin:/usr/bin:/bin"}, ""},
		"helper lies around":     {map[string]string{"home/.docker/config.json": helped, "docker-credential-reef": helper}, nil, `"docker-credential-reef": executable file not found in $PATH`},
		"helper here, by path":   {map[string]string{"home/.docker/config.json": helped, "docker-credential-reef": helper}, []string{"PATH=.:/usr/bin:/bin"}, "credentials in %/home/.docker/config.json: "},
		"helper is a path":       {map[string]string{"home/.docker/config.json": `{"credsStore":"/../evil"}`, "evil": helper}, nil, `"/../evil" is no name of a program`},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, content := range test.files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				original := filepath.Join(dir, "original")
				err := os.WriteFile(original, []byte(content), 0o755)
				if err == nil {
					err = install(path, original)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			c := place{dir}.command("rootfs", "pull", host+"/team/image:1")
			c.Path, c.Dir = binary, dir
			c.Env = []string{"AQUARIUM_HOME=" + filepath.Join(dir, "state"), "HOME=" + filepath.Join(dir, "home"), "PATH=/usr/bin:/bin"}
			for _, variable := range test.env {
				c.Env = append(c.Env, strings.ReplaceAll(variable, "%", dir))
			}
			out, err := c.CombinedOutput()
			want := strings.ReplaceAll(test.want, "%", dir)
			if (err == nil) != (want == "") || !strings.Contains(string(out), want) || strings.Contains(string(out), "\x1b") {
				t.Errorf("%v: %s; want %q", err, out, want)
			}
		})
	}
}
