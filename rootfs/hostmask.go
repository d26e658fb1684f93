package rootfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hostRecipe changes whenever the same machine should give a different view than before.
const hostRecipe = 1

// hostAlwaysHidden are, by directory, patterns (path.Match) of what is hidden even if everybody may
// read it.
var hostAlwaysHidden = map[string][]string{
	"/etc":                {"*.keytab", "shadow?*", "gshadow?*", "letsencrypt", "wireguard", "wpa_supplicant", "kubernetes", "rancher"},
	"/etc/ssh":            {"ssh_host_*"},
	"/etc/ssl":            {"private"},
	"/etc/docker":         {"key.json"},
	"/etc/NetworkManager": {"system-connections"},
}

// hostWritable are directories that get an empty twin in the mask of an ordinary user, whose
// sandbox's root then owns them and can create, replace and delete files there. Everything else
// below keeps the owner it has, who does not exist in the user namespace.
var hostWritable = []string{
	"/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/usr/local", "/usr/local/bin", "/usr/local/etc",
	"/usr/local/lib", "/usr/local/sbin", "/usr/local/share", "/opt",
}

// hostCopyLimit bounds what is copied where an overlay is not possible, in bytes.
const hostCopyLimit = 64 << 20

// privatePlaces are the directories in which private things are looked for, and how deep. In the
// rest of what is shown there is nothing but packaged programs (hier(7)).
var privatePlaces = map[string]int{"/etc": 1000, "/opt": 2, "/usr/local/etc": 1000}

// mask adds what has to be hidden or replaced within the shown directory.
func (p *hostPlan) mask(dir string) error {
	for _, home := range p.homes {
		if _, err := os.Lstat(p.real(home)); err == nil && within(home, dir) && home != dir {
			p.layers.Whiteouts = append(p.layers.Whiteouts, home)
		}
	}
	if !p.privileged {
		for _, path := range hostWritable {
			if info, err := os.Lstat(p.real(path)); err == nil && info.IsDir() && within(path, dir) {
				p.layers.MaskDirs = append(p.layers.MaskDirs, path)
			}
		}
	}
	for place, depth := range privatePlaces {
		if info, err := os.Lstat(p.real(place)); err != nil || !info.IsDir() || !within(place, dir) {
			continue
		}
		if err := p.hidePrivate(place, depth); err != nil {
			return err
		}
	}
	if dir == "/etc" {
		return p.replaceInEtc()
	}
	return nil
}

// hidePrivate hides what not everybody on this machine may read.
func (p *hostPlan) hidePrivate(dir string, depth int) error {
	base := strings.Count(dir, "/")
	return filepath.WalkDir(p.real(dir), func(real string, entry fs.DirEntry, err error) error {
		path := "/" + strings.TrimPrefix(strings.TrimPrefix(real, p.base), "/")
		if err != nil || path == dir {
			return p.unreadable(path, dir, err)
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			return nil // half of /etc; a link is as private as what it leads to
		}
		info, err := entry.Info()
		if err != nil {
			return nil // gone in the meantime
		}
		if private(path, info) {
			p.layers.Whiteouts = append(p.layers.Whiteouts, path)
			return skip(entry)
		}
		if entry.IsDir() && !p.privileged && dir == "/etc" {
			p.layers.MaskDirs = append(p.layers.MaskDirs, path)
		}
		if strings.Count(path, "/")-base >= depth {
			return skip(entry)
		}
		return nil
	})
}

// unreadable lets a walk go on past what cannot be read: a sandbox cannot read it either.
func (p *hostPlan) unreadable(path, dir string, err error) error {
	if err != nil && path == dir && !errors.Is(err, fs.ErrPermission) {
		return fail("show host", quote(path), err)
	}
	return nil
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func private(path string, info fs.FileInfo) bool {
	for _, pattern := range hostAlwaysHidden[filepath.Dir(path)] {
		if match, _ := filepath.Match(pattern, filepath.Base(path)); match {
			return true
		}
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return mode.Perm()&0o004 == 0
	case mode.IsDir():
		return mode.Perm()&0o005 != 0o005
	default:
		return mode&fs.ModeSymlink == 0 // a FIFO or socket in /etc is somebody's private channel
	}
}

// replaceInEtc puts harmless files where login tools and resolvers expect theirs.
func (p *hostPlan) replaceInEtc() error {
	for _, r := range []struct{ secret, public, entry string }{
		{"/etc/shadow", "/etc/passwd", ":*:19000:0:99999:7:::"},
		{"/etc/gshadow", "/etc/group", ":*::"},
	} {
		names, err := os.ReadFile(p.real(r.public))
		if err != nil {
			continue
		}
		p.unhide(r.secret)
		p.layers.Files = append(p.layers.Files, plainFile{Path: r.secret, Mode: 0o640, Content: lockedEntries(names, r.entry)})
	}
	return p.replaceResolver()
}

// replaceResolver copies resolv.conf where it is a link into a directory that is not shown.
func (p *hostPlan) replaceResolver() error {
	const path = "/etc/resolv.conf"
	target, err := os.Readlink(p.real(path))
	if err != nil || !strings.Contains(target, "run/") {
		return nil
	}
	content, err := os.ReadFile(p.real(path))
	if err != nil || len(content) > maxSmallFile {
		return nil
	}
	p.layers.Files = append(p.layers.Files, plainFile{Path: path, Mode: 0o644, Content: content})
	return nil
}

func (p *hostPlan) unhide(path string) {
	p.layers.Whiteouts = slices.DeleteFunc(p.layers.Whiteouts, func(w string) bool { return w == path })
}

// lockedEntries makes a shadow file in which nobody has a password (shadow(5), gshadow(5)).
func lockedEntries(names []byte, entry string) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(names) {
		if name, _, found := bytes.Cut(line, []byte(":")); found && len(name) > 0 {
			b.Write(name)
			b.WriteString(entry + "\n")
		}
	}
	return b.Bytes()
}

// copyEtc takes what everybody may read of /etc into the skeleton.
func (p *hostPlan) copyEtc() error {
	var total int64
	err := filepath.WalkDir(p.real("/etc"), func(real string, entry fs.DirEntry, err error) error {
		path := "/" + strings.TrimPrefix(strings.TrimPrefix(real, p.base), "/")
		if err != nil || path == "/etc" {
			return p.unreadable(path, "/etc", err)
		}
		info, err := os.Lstat(real)
		if err != nil {
			return nil
		}
		if private(path, info) || p.isHidden(path) {
			return skip(entry)
		}
		switch {
		case info.IsDir():
			p.layers.Dirs = append(p.layers.Dirs, skeletonDir{path, uint32(info.Mode().Perm())})
		case info.Mode()&fs.ModeSymlink != 0:
			if target, err := os.Readlink(real); err == nil {
				p.layers.Links = append(p.layers.Links, skeletonLink{path, target})
			}
		default:
			total += info.Size()
			p.layers.Copies = append(p.layers.Copies, copiedFile{path, real, uint32(info.Mode().Perm()), info.Size(), info.ModTime().UnixNano()})
		}
		return nil
	})
	if err == nil && total > hostCopyLimit {
		return fail("show host", "/etc", errText("mounts below it need a copy, and it is larger than %d MiB", hostCopyLimit>>20))
	}
	if err != nil {
		return err
	}
	return p.replaceInEtc()
}

// readHomes returns the home directories of a passwd file that could hold somebody's files:
// passwd(5) gives system users homes such as / and /usr/sbin, which are no secret.
func readHomes(passwd string) []string {
	data, err := os.ReadFile(passwd)
	if err != nil {
		return nil
	}
	var homes []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 7 || !strings.HasPrefix(fields[5], "/") {
			continue
		}
		home := filepath.Clean(fields[5])
		shared := within(home, "/usr") && strings.Count(home, "/") < 3 || strings.Count(home, "/") < 2
		if !shared && !within(home, "/usr/lib") && !within(home, "/usr/share") && !slices.Contains(homes, home) {
			homes = append(homes, home)
		}
	}
	return homes
}
