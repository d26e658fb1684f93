package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aquarium/runtime/supervisor"
)

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Imports    []string // of the package itself
	Deps       []string // and of all that it imports
	Standard   bool
}

func listPackages(t *testing.T, patterns ...string) []goPackage {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps,Standard"}, patterns...)...)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for decoder.More() {
		var p goPackage
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatalf("go list %v lists nothing", patterns)
	}
	return packages
}

// TestImportRules holds what the package map promises: imports go one way.
func TestImportRules(t *testing.T) {
	t.Parallel()
	rules := []struct {
		packages string
		never    []string // prefixes of import paths
		why      string
	}{
		{"aquarium/runtime/...", []string{"aquarium/tui", "aquarium/cmd", "charm.land/"}, "sandboxes do not know the UI"},
		{"aquarium/rootfs/...", []string{"aquarium/tui", "aquarium/cmd", "aquarium/runtime/sandbox", "aquarium/runtime/supervisor", "charm.land/"}, "root filesystems know neither UI nor sandboxes"},
		{"aquarium/tui/terminal", []string{"aquarium/"}, "the terminal knows nothing of sandboxes"},
		{"aquarium/tui/...", []string{"aquarium/cmd"}, "the UI does not know the command line"},
	}
	for _, rule := range rules {
		for _, p := range listPackages(t, rule.packages) {
			for _, dep := range p.Deps {
				for _, prefix := range rule.never {
					if strings.HasPrefix(dep, prefix) && !strings.HasPrefix(dep, p.ImportPath+"/") {
						t.Errorf("%s imports %s, if not itself then through others: %s", p.ImportPath, dep, rule.why)
					}
				}
			}
		}
	}
}

// TestReexecComesFirst holds what makes a re-exec'd init or supervisor start
// early: Go initialises ready packages in the order of their import paths, and
// package reexec is ready once the standard library is.
func TestReexecComesFirst(t *testing.T) {
	t.Parallel()
	standard := make(map[string]bool)
	for _, p := range listPackages(t, "-deps", "aquarium/runtime/reexec") {
		standard[p.ImportPath] = p.Standard
	}
	for path, std := range standard {
		if !std && !strings.HasPrefix(path, "aquarium/") {
			t.Errorf("aquarium/runtime/reexec needs %s: only the standard library and our own packages come first", path)
		}
	}
	for _, p := range listPackages(t, "-deps", "aquarium/cmd/aquarium") {
		if !p.Standard && p.ImportPath < "aquarium/" {
			t.Errorf("%s is initialised before aquarium/runtime/reexec", p.ImportPath)
		}
	}
}

// TestLittleIsInitialisedBeforeReexec: of the standard library's packages some
// become ready late, and by then half of the program is initialised: net/netip
// made every start of an init a third slower.
func TestLittleIsInitialisedBeforeReexec(t *testing.T) {
	t.Parallel()
	early := map[string]bool{ // as soon as fmt is; no import of ours can change that
		"github.com/charmbracelet/x/ansi/parser":          true,
		"github.com/google/go-containerregistry/pkg/logs": true,
		"github.com/klauspost/compress/internal/cpuinfo":  true,
		"github.com/klauspost/compress/internal/snapref":  true,
		"github.com/opencontainers/image-spec/specs-go":   true,
		"github.com/opencontainers/runtime-spec/specs-go": true,
		"github.com/ulikunitz/xz/internal/xlog":           true,
	}
	// With nothing to remove, it ends as soon as package reexec takes over.
	start := exec.Cmd{Path: binary, Args: []string{supervisor.RemoverName}, Env: []string{"GODEBUG=inittrace=1"}}
	trace, err := start.CombinedOutput()
	if err != nil || !strings.Contains(string(trace), "init os @") {
		t.Fatalf("no trace of initialisation: %v in %q", err, trace)
	}
	for line := range strings.Lines(string(trace)) {
		name := strings.Fields(line)[1]
		if host, _, _ := strings.Cut(name, "/"); strings.Contains(host, ".") && !early[name] {
			t.Errorf("%s is initialised in every init and supervisor: does package reexec need another package of the standard library?", name)
		}
	}
}

// TestNoFileDirectlyInRuntime: runtime is a directory of packages, not one.
func TestNoFileDirectlyInRuntime(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../runtime/*.go")
	if err != nil || len(files) > 0 {
		t.Errorf("Go files directly in runtime/: %v (%v)", files, err)
	}
	inside, err := filepath.Glob("../../runtime/*/*.go")
	if err != nil || len(inside) == 0 {
		t.Errorf("no package in runtime/ (%v): this test looks in the wrong place", err)
	}
}

// TestSignalsGoByDescriptor: a process is signalled by pidfd, since a number
// may be another's by now. Numbers are for this process itself, and for
// children that nobody has waited for yet.
func TestSignalsGoByDescriptor(t *testing.T) {
	t.Parallel()
	allowed := map[string]int{
		"cmd/aquarium/enter.go":    1, // stops itself
		"runtime/fork/program.go":  1, // its own child, which it waits for next
		"runtime/kernel/kernel.go": 1, // a group whose leader has not been waited for
	}
	found := make(map[string]int)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel("../..", path)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && (call.Sel.Name == "Kill" || call.Sel.Name == "Tgkill") {
				if pkg, ok := call.X.(*ast.Ident); ok && (pkg.Name == "syscall" || pkg.Name == "unix") {
					found[name]++
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(found, allowed) {
		t.Errorf("processes are signalled by number in %v, want %v", found, allowed)
	}
}
