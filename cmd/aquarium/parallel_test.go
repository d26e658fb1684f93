package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// atOnce runs n commands side by side and returns the output of each, ""
// where it went wrong.
func atOnce(n int, run func(i int) (string, error)) (outputs []string, failed int) {
	outputs = make([]string, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { outputs[i], errs[i] = run(i) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			failed++
		}
	}
	return outputs, failed
}

const many = 20

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	ids, failed := atOnce(many, func(int) (string, error) {
		out, err := p.command("run", "-d", p.bb(), "sleep", "1000").Output()
		return strings.TrimSpace(string(out)), err
	})
	if failed != 0 {
		t.Fatalf("%d of %d launches failed", failed, many)
	}
	var list []struct{ ID, Name, Status string }
	if err := json.Unmarshal([]byte(p.run(t, "ps", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for _, sb := range list {
		names[sb.ID] = sb.Name
		if sb.Status != "running" {
			t.Errorf("%s is %s", sb.Name, sb.Status)
		}
	}
	for _, id := range ids {
		if names[id] == "" {
			t.Errorf("%q is not listed", id)
		}
	}
	// Removing them is as parallel as making them.
	if _, failed := atOnce(many, func(i int) (string, error) {
		return "", p.command("rm", "-f", ids[i]).Run()
	}); failed != 0 {
		t.Errorf("%d of %d removals failed", failed, many)
	}
}

func TestOneNameTakenByManyAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for range 3 {
		_, failed := atOnce(many, func(int) (string, error) {
			out, err := p.command("run", "-d", "--name", "wanted", p.bb(), "sleep", "1000").CombinedOutput()
			if err != nil && !strings.Contains(string(out), "create sandbox wanted: the name is taken") {
				t.Errorf("unexpected error: %s", out)
			}
			return "", err
		})
		if failed != many-1 {
			t.Fatalf("%d of %d got the name, want 1", many-failed, many)
		}
		p.run(t, "rm", "-f", "wanted")
	}
}

// TestNoByteIsLost sends much more than any buffer holds, both ways.
func TestNoByteIsLost(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	big := filepath.Join(p.dir, "big")
	want := writeNoise(t, big, 200<<20)

	out := p.command("run", "--rm", "-v", big+":/big:ro", p.bb(), "cat", "/big")
	sum := sha256.New()
	out.Stdout = sum
	if err := out.Run(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != want {
		t.Errorf("standard output: sha256 %s, want %s", got, want)
	}

	in := p.command("run", "--rm", p.bb(), "sha256sum")
	file, err := os.Open(big)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in.Stdin = file
	got, err := in.Output()
	if err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(string(got)); fields[0] != want {
		t.Errorf("standard input: sha256 %s, want %s", fields[0], want)
	}
}

// TestSlowReaderLosesNothing reads only after the program has long ended.
func TestSlowReaderLosesNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const size = 3 << 20
	c := p.command("run", "--rm", p.bb(), "sh", "-c", fmt.Sprintf("head -c %d /dev/zero; echo end >&2", size))
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errput, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(out, first); err != nil {
		t.Fatal(err)
	}
	rest, err := io.Copy(io.Discard, out)
	if err != nil || rest+1 != size {
		t.Errorf("read %d bytes, want %d (%v)", rest+1, size, err)
	}
	if said, err := io.ReadAll(errput); err != nil || string(said) != "end\n" {
		t.Errorf("standard error: %q (%v)", said, err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

func writeNoise(t *testing.T, path string, size int64) (sum string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	noise := rand.NewChaCha8([32]byte{1})
	if _, err := io.CopyN(io.MultiWriter(file, hash), noise, size); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}
