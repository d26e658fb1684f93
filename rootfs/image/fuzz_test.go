package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"aquarium/rootfs"
	"aquarium/rootfs/inside"
)

// FuzzDockerArchive has what `docker save` writes name any files: none outside
// of the archive is read.
func FuzzDockerArchive(f *testing.F) {
	f.Add([]byte(`[{"Config":"config.json","RepoTags":["a:b"],"Layers":["layer.tar"]}]`), "a:b", "layer.tar")
	f.Add([]byte(`[{"Config":"config.json","Layers":["../secret","/secret","link","up/secret","./layer.tar/../../secret"]}]`), "", "../secret")
	f.Add([]byte(`[{"Config":"link","Layers":[""]},{"Config":"../secret"}]`), "", "/proc/self/environ")
	f.Add([]byte(`[{"Config":"config.json","Layers":["fifo","."]}]`), "", "\x00")
	const secret = `{"os":"secret","config":{"Env":["SECRET"]}}`
	f.Fuzz(func(t *testing.T, manifest []byte, tag, target string) {
		above := t.TempDir()
		dir := filepath.Join(above, "archive")
		err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(above, "secret"), []byte(secret), 0o600), os.Symlink("..", filepath.Join(dir, "up")),
			os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600), os.WriteFile(filepath.Join(dir, "layer.tar"), []byte("layer"), 0o600),
			os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"rootfs":{"type":"layers","diff_ids":[]}}`), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		os.Symlink(target, filepath.Join(dir, "link")) // where it can be one
		tree, err := inside.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		found, err := readDockerArchive(tree, manifest, Options{Tag: tag})
		if err != nil {
			if strings.Contains(err.Error(), above) {
				t.Errorf("the error tells where it was: %v", err)
			}
			return
		}
		if found.config.OS == "secret" {
			t.Errorf("the configuration is a file outside, by %s", manifest)
		}
		if len(found.layers) > rootfs.MaxLayers {
			t.Errorf("%d layers", len(found.layers))
		}
		for _, layer := range found.layers {
			stream, err := layer.open(context.Background())
			if err != nil {
				continue
			}
			content, _ := io.ReadAll(io.LimitReader(stream, 1<<20))
			if strings.Contains(string(content), "SECRET") {
				t.Errorf("a layer is a file outside, by %s", manifest)
			}
			stream.end(nil)
		}
	})
}

// FuzzReference reads names of images: what they are called here is a name,
// and what is asked for is of the registry that they name.
func FuzzReference(f *testing.F) {
	for _, ref := range []string{
		"debian:12", "ghcr.io/owner/image@sha256:" + strings.Repeat("0", 64), "localhost:5000/image", "../../etc/passwd", "a/../b", "x:y:z", "http://x/y", "[::1]:5000/x",
		"user:password@host/x", "host/x?y#z", "-rf", "a\x00b", "\x1b[31m", "ÿ", strings.Repeat("a/", 200) + "b", "image.tar.gz", "dir/image.oci.xz/",
	} {
		f.Add(ref, false)
	}
	f.Fuzz(func(t *testing.T, ref string, plain bool) {
		if as := NameOf(ref); as != "" && rootfs.CheckName(as) != nil {
			t.Errorf("%q is called %q", ref, as)
		}
		reference, err := parseReference(ref, Options{PlainHTTP: plain})
		if err != nil {
			return
		}
		host, repository, whole := reference.Context().RegistryStr(), reference.Context().RepositoryStr(), reference.Name()
		if strings.ContainsAny(host, "/?#@ \\\x00\n") || strings.ContainsAny(repository, "?#@: \\\x00\n") || strings.Contains(whole, "..") || !strings.HasPrefix(whole, host+"/"+repository) {
			t.Errorf("%q is %q of %q, in all %q", ref, repository, host, whole)
		}
		again, err := parseReference(whole, Options{PlainHTTP: plain})
		if err != nil || again.Name() != whole {
			t.Errorf("%q is %q, which is %v, %v", ref, whole, again, err)
		}
	})
}

// FuzzCredentials has a file have credentials for anything: they go nowhere
// else.
func FuzzCredentials(f *testing.F) {
	f.Add("registry.example", "fish", "sea", "registry.example/team/image")
	f.Add("registry.example/team", "fish", "sea", "registry.example/other")
	f.Add("https://registry.example/v1/", "fish", "sea", "registry.example.evil/team/image")
	f.Add("https://index.docker.io/v1/", "fish", "sea", "library/debian")
	f.Add("docker.io", "", "", "debian")
	f.Add("REGISTRY.example:443", "fi:sh", "s\x00", "registry.example:443/x")
	f.Fuzz(func(t *testing.T, key, user, password, ref string) {
		reference, err := name.ParseReference(ref)
		if err != nil || strings.Contains(ref, "..") {
			return
		}
		login := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		document, err := json.Marshal(map[string]any{"auths": map[string]any{key: map[string]string{"auth": login}}})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "auth.json")
		if err := os.WriteFile(path, document, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := credentialsIn(path, reference.Context())
		if err != nil || found.Username == "" && found.Password == "" && found.Auth == "" {
			return
		}
		place := key
		if _, rest, isURL := strings.Cut(key, "://"); isURL {
			place = rest
		}
		host, below, _ := strings.Cut(strings.TrimRight(place, "/"), "/")
		want := reference.Context().RegistryStr()
		if host != want && !(want == name.DefaultRegistry && (host == "docker.io" || host == "index.docker.io")) {
			t.Errorf("credentials of %q go to %q", key, want)
		}
		if repository := reference.Context().RepositoryStr(); below != "" && below != "v1" && below != "v2" && repository != below && !strings.HasPrefix(repository, below+"/") {
			t.Errorf("credentials of %q are for %q", key, repository)
		}
	})
}

// FuzzCredentialFile reads any file of credentials. Helpers that it names are
// programs of the PATH, where there are none here.
func FuzzCredentialFile(f *testing.F) {
	f.Setenv("PATH", f.TempDir())
	f.Add([]byte(`{"auths":{"registry.example":{"auth":"ZmlzaDpzZWE="}},"credsStore":"","credHelpers":{}}`))
	f.Add([]byte(`{"credHelpers":{"registry.example":"../../bin/sh"}}`))
	f.Add([]byte(`{"credsStore":"/bin/sh"}`))
	f.Add([]byte(`{"auths":{"registry.example":{"auth":"\u001b[31m"}}}`))
	f.Add([]byte(`[`))
	reference, err := name.ParseReference("registry.example/team/image")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		path := filepath.Join(t.TempDir(), "auth.json")
		if err := os.WriteFile(path, document, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := credentialsIn(path, reference.Context())
		if err == nil && found.Username != "" && !strings.Contains(strings.ToLower(string(document)), "auth") {
			t.Errorf("%q has the user %q", document, found.Username)
		}
	})
}
