package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"aquarium/rootfs"
)

// keychain finds credentials where Docker and Podman leave them (containers-auth.json(5)). The first
// file that knows the registry counts. Credential helpers that a file names are programs of this
// machine's PATH, as for Docker.
type keychain struct{}

// credentialFiles are the files that there may be, what the user says first, then Podman's, then
// Docker's.
func credentialFiles(getenv func(string) string, uid int) []string {
	home := getenv("HOME")
	settings := getenv("XDG_CONFIG_HOME")
	if settings == "" && home != "" {
		settings = filepath.Join(home, ".config")
	}
	var files []string
	add := func(dir, rest string) {
		if dir != "" {
			files = append(files, filepath.Join(dir, rest))
		}
	}
	add(getenv("REGISTRY_AUTH_FILE"), "")
	add(getenv("XDG_RUNTIME_DIR"), "containers/auth.json")
	add("/run/containers", fmt.Sprintf("%d/auth.json", uid))
	add(settings, "containers/auth.json")
	add(getenv("DOCKER_CONFIG"), "config.json")
	add(home, ".docker/config.json")
	return files
}

// Resolve implements authn.Keychain.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext is Resolve.
func (keychain) ResolveContext(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	for _, path := range credentialFiles(os.Getenv, os.Geteuid()) {
		found, err := credentialsIn(path, target)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("credentials in %s: %s", rootfs.Visible(path), rootfs.Visible(err.Error()))
		}
		if found != (types.AuthConfig{}) {
			return authn.FromConfig(authn.AuthConfig{
				Username: found.Username, Password: found.Password, Auth: found.Auth,
				IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken,
			}), nil
		}
	}
	return authn.Anonymous, nil
}

func credentialsIn(path string, target authn.Resource) (types.AuthConfig, error) {
	f, err := os.Open(path)
	if err != nil {
		return types.AuthConfig{}, err
	}
	defer f.Close()
	file, err := config.LoadFromReader(f)
	if err != nil {
		return types.AuthConfig{}, err
	}
	if err := checkHelpers(file); err != nil {
		return types.AuthConfig{}, err
	}
	keys := credentialKeys(target)
	maps.DeleteFunc(file.AuthConfigs, func(key string, _ types.AuthConfig) bool {
		return ofRepository(key) && !slices.Contains(keys, key)
	})
	for _, key := range keys {
		found, err := file.GetAuthConfig(key)
		if err != nil {
			return types.AuthConfig{}, err
		}
		found.ServerAddress = "" // the question, not an answer
		if found != (types.AuthConfig{}) {
			return found, nil
		}
	}
	return types.AuthConfig{}, nil
}

// ofRepository reports whether credentials are for a part of a registry, which only Podman knows:
// Docker's reader would take them for all of it.
func ofRepository(key string) bool {
	if _, rest, isURL := strings.Cut(key, "://"); isURL {
		key = rest
	}
	_, path, _ := strings.Cut(key, "/")
	path = strings.Trim(path, "/")
	return path != "" && path != "v1" && path != "v2"
}

// checkHelpers refuses a helper that is no program's name: it would be run from where the user
// happens to be.
func checkHelpers(file *configfile.ConfigFile) error {
	helpers := []string{file.CredentialsStore}
	for _, helper := range file.CredentialHelpers {
		helpers = append(helpers, helper)
	}
	if i := slices.IndexFunc(helpers, func(h string) bool { return strings.Contains(h, "/") }); i >= 0 {
		return fmt.Errorf("the credential helper %q is no name of a program", helpers[i])
	}
	return nil
}

// credentialKeys are the names under which credentials for a repository may be, the narrowest first.
func credentialKeys(target authn.Resource) []string {
	registries := []string{target.RegistryStr()}
	if registries[0] == name.DefaultRegistry {
		// As Podman, Docker and nobody in particular call it.
		registries = []string{"docker.io", authn.DefaultAuthKey, name.DefaultRegistry}
	}
	var keys []string
	_, repository, _ := strings.Cut(target.String(), "/")
	for ; repository != ""; repository = repository[:max(0, strings.LastIndexByte(repository, '/'))] {
		keys = append(keys, registries[0]+"/"+repository)
	}
	return append(keys, registries...)
}
