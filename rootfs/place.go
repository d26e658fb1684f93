package rootfs

import (
	"os"
	"path/filepath"
)

// makePrivate makes DATA and the named directories below it. They are closed to other users: the
// trees in them hold setuid programs and other people's passwords.
func makePrivate(dataDir string, names ...string) error {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return fail("make the data directory", quote(dataDir), err).
			withHint("set AQUARIUM_HOME to a directory that you can write to")
	}
	for _, name := range names {
		path := filepath.Join(dataDir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fail("make the directory", quote(path), err)
		}
	}
	return nil
}

// workDir makes a new directory below DATA/tmp, from where a finished thing is renamed to its place.
func (c *Catalogue) workDir(kind string) (string, error) {
	if err := makePrivate(c.dataDir, "tmp"); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Join(c.dataDir, "tmp"), kind+"-")
	if err != nil {
		return "", fail("make a directory in", quote(c.dataDir), err)
	}
	return dir, nil
}
