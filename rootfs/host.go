package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The `host` root filesystem is this machine's own "/", put together so that nothing private is in
// it and nothing written reaches the machine:
//
//	/            a skeleton: empty directories, symbolic links such as /bin
//	/usr         overlay over this machine's /usr
//	/etc         overlay over a mask over this machine's /etc
//	/var/lib/…   overlays over the package databases; the rest of /var is empty
//
// It is a list of what is shown, not of what is hidden: a directory that nobody has heard of stays
// out. Hiding is done by the overlays themselves (whiteouts in the mask), so there is no mount that
// a sandbox's root could undo to see more. One overlay over the whole of "/" would not do: without
// privileges the kernel refuses it wherever something is mounted below, and a mask that itself lies
// below "/" is refused for everybody ("overlapping lowerdir").
//
// What an ordinary user of this machine could not read in /etc is hidden from a sandbox's root too.

// hostShown are the top-level names shown, if they are there. Symbolic links stay links.
var hostShown = []string{
	"bin", "etc", "gnu", "lib", "lib32", "lib64", "libexec", "libx32", "nix", "opt", "sbin", "usr",
}

// hostDatabases are the parts of /var and the like that package managers and packaged programs
// cannot do without, and that hold nothing of anybody's.
var hostDatabases = []string{
	"/var/lib/apt", "/var/lib/dpkg", "/var/lib/pacman", "/var/lib/rpm", "/var/db/xbps",
}

// hostEmpty are the directories that are there and empty.
var hostEmpty = []skeletonDir{
	{"/dev", 0o755}, {"/home", 0o755}, {"/media", 0o755}, {"/mnt", 0o755}, {"/proc", 0o555},
	{"/root", 0o700}, {"/run", 0o755}, {"/run/lock", 0o1777}, {"/srv", 0o755}, {"/sys", 0o555}, {"/tmp", 0o1777},
	{"/var", 0o755}, {"/var/cache", 0o755}, {"/var/cache/apt", 0o755}, {"/var/cache/apt/archives", 0o755},
	{"/var/cache/apt/archives/partial", 0o755}, {"/var/db", 0o755}, {"/var/lib", 0o755}, {"/var/lib/misc", 0o755},
	{"/var/local", 0o755}, {"/var/log", 0o755}, {"/var/log/apt", 0o755}, {"/var/mail", 0o755}, {"/var/opt", 0o755},
	{"/var/spool", 0o755}, {"/var/tmp", 0o1777},
}

var hostLinks = []skeletonLink{{"/var/run", "/run"}, {"/var/lock", "/run/lock"}}

// maxHostOverlays bounds how many mounts one launch needs when directories have to be split up.
const maxHostOverlays = 64

func (c *Catalogue) host() Rootfs {
	r := Rootfs{Name: HostName, Path: "/", Kind: Host}
	r.Defaults.Command = judge("/").shell
	return r
}

func (c *Catalogue) hostView(privileged bool) (View, error) {
	mounts, err := readMounts()
	if err != nil {
		return View{}, err
	}
	p := &hostPlan{base: "/", privileged: privileged, mounts: mounts}
	for _, path := range append([]string{c.dataDir}, c.hidden...) {
		p.hidden = append(p.hidden, path)
		if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
			p.hidden = append(p.hidden, real)
		}
	}
	if err := p.make(); err != nil {
		return View{}, err
	}
	dir, err := c.hostLayers(&p.layers, p.base)
	if err != nil {
		return View{}, err
	}
	return p.view(dir), nil
}

// hostPlan is what the host's view consists of, before anything is written.
type hostPlan struct {
	base       string // the directory shown; "/" but in tests
	privileged bool
	hidden     []string
	mounts     mountTable
	homes      []string

	layers hostLayers
}

func (p *hostPlan) make() error {
	p.layers.Recipe = hostRecipe
	p.layers.Dirs = slices.Clone(hostEmpty)
	p.layers.Links = slices.Clone(hostLinks)
	p.homes = readHomes(p.real("/etc/passwd"))
	for _, name := range hostShown {
		if err := p.show("/" + name); err != nil {
			return err
		}
	}
	for _, path := range hostDatabases {
		if info, err := os.Lstat(p.real(path)); err == nil && info.IsDir() {
			if err := p.show(path); err != nil {
				return err
			}
		}
	}
	p.layers.normalise()
	return nil
}

func (p *hostPlan) real(path string) string { return filepath.Join(p.base, path) }

// show adds the link or directory at path to the view.
func (p *hostPlan) show(path string) error {
	info, err := os.Lstat(p.real(path))
	switch {
	case err != nil:
		return nil
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(p.real(path))
		if err != nil {
			return fail("read link", quote(path), err)
		}
		p.layers.Links = append(p.layers.Links, skeletonLink{path, target})
		return nil
	case !info.IsDir() || p.isHidden(path):
		return nil
	}
	p.layers.Dirs = append(p.layers.Dirs, skeletonDir{path, 0o755})
	switch {
	case path == "/etc" && (len(p.mounts.below(p.real(path))) > 0 || p.mustSplit(path)):
		// Container managers mount single files, such as /etc/hosts, which overlayfs cannot see.
		return p.copyEtc()
	case p.mustSplit(path):
		return p.split(path)
	}
	return p.overlay(path)
}

func (p *hostPlan) isHidden(path string) bool {
	return slices.ContainsFunc(p.hidden, func(h string) bool { return within(path, h) })
}

// mustSplit reports whether the directory cannot be one overlay: something hidden is below it, or,
// without privileges, something mounted.
func (p *hostPlan) mustSplit(path string) bool {
	hides := func(h string) bool { return within(h, path) }
	if slices.ContainsFunc(p.hidden, hides) {
		return true
	}
	return !p.privileged && len(p.mounts.below(p.real(path))) > 0
}

// split shows the subdirectories and links of a directory one by one. Its files are left out.
func (p *hostPlan) split(path string) error {
	entries, err := os.ReadDir(p.real(path))
	if err != nil {
		return nil // not readable by this user, so not by the sandbox either
	}
	for _, entry := range entries {
		if err := p.show(filepath.Join(path, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (p *hostPlan) overlay(path string) error {
	if len(p.layers.Parts) == maxHostOverlays {
		return fail("show host", quote(path), errText("more than %d mounts are needed", maxHostOverlays)).
			withHint("directories with mounts below them have to be split up; running as root avoids it")
	}
	if err := p.mask(path); err != nil {
		return err
	}
	p.layers.Parts = append(p.layers.Parts, path)
	for _, point := range p.mounts.below(p.real(path)) {
		// Overlayfs stops at mounts, so what is mounted below needs an overlay of its own.
		inside := "/" + strings.TrimPrefix(strings.TrimPrefix(point, p.base), "/")
		if info, err := os.Lstat(point); err == nil && info.IsDir() && !p.isHidden(inside) && len(p.layers.Parts) < maxHostOverlays {
			p.layers.Parts = append(p.layers.Parts, inside)
		}
	}
	return nil
}

// view turns the plan into overlays, given where its layers were written.
func (p *hostPlan) view(dir string) View {
	view := View{Overlays: []Overlay{{Dest: "/", Lower: []string{filepath.Join(dir, "skeleton")}}}}
	for _, part := range p.layers.Parts {
		lower := []string{p.real(part)}
		if p.layers.masks(part) {
			lower = []string{filepath.Join(dir, "mask", part), p.real(part)}
		}
		view.Overlays = append(view.Overlays, Overlay{Dest: part, Lower: lower})
	}
	return view
}
