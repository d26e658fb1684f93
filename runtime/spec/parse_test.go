package spec

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// checkRefusal holds what every refused text has in common: one short line,
// and a way out.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) || r.Way == "" {
		t.Errorf("%v is no refusal with a way out", err)
	}
	if text := err.Error(); len(text) > 400 || strings.ContainsFunc(text, isControl) {
		t.Errorf("the refusal is %q", text)
	}
}

func FuzzParseSize(f *testing.F) {
	for _, text := range []string{"64m", "1.5G", "512KiB", " 7 b", "0x1p3", "1e18", "9e99T", "-1", "nan", "inf", "1_000", ".5k", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseSize(text)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if n < 0 || n >= 1<<62 {
			t.Errorf("%q is %d bytes", text, n)
		}
		const exact = 1 << 53 // of a float64
		if again, err := ParseSize(strconv.FormatInt(n, 10)); n < exact && (again != n || err != nil) {
			t.Errorf("%q is %d, which is %d, %v", text, n, again, err)
		}
	})
}

func FuzzParseUlimit(f *testing.F) {
	for _, text := range []string{"nofile=1024", "core=0:unlimited", "as=-1", "nofile=2:1", "nofile=1:2:3", "\x1b[31m=1", "nproc=18446744073709551615"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		limit, err := ParseUlimit(text)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		name := strings.ToLower(strings.TrimPrefix(limit.Type, "RLIMIT_"))
		written := name + "=" + strconv.FormatUint(limit.Soft, 10) + ":" + strconv.FormatUint(limit.Hard, 10)
		if again, err := ParseUlimit(written); err != nil || again != limit || limit.Soft > limit.Hard {
			t.Errorf("%q is %+v, which is %+v, %v", text, limit, again, err)
		}
	})
}

func FuzzParseVolume(f *testing.F) {
	for _, text := range []string{"/a:/b", "/a:/b:ro", "/a:/../b/./c/", "/a:/", "a:/b", "/a:/b:rw:x", "/a\x00:/b", "/a: /b", "//:/.."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseVolume(text)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if !filepath.IsAbs(v.Source) || !filepath.IsAbs(v.Destination) || v.Destination == "/" || filepath.Clean(v.Destination) != v.Destination || strings.Contains(v.Destination+"/", "/../") {
			t.Errorf("%q mounts %q on %q", text, v.Source, v.Destination)
		}
		written := v.Source + ":" + v.Destination
		if v.ReadOnly {
			written += ":ro"
		}
		if again, err := ParseVolume(written); err != nil || again != v {
			t.Errorf("%q is %+v, which is %+v, %v", text, v, again, err)
		}
	})
}

// FuzzOptions has what a command line says in free text come through
// config.json unchanged, or be refused.
func FuzzOptions(f *testing.F) {
	f.Add("fish", "fish.reef", "TERM=xterm", "/srv", "fish:reef", "sh", "NET_RAW,cap_chown")
	f.Add("-rf", strings.Repeat("h", 65), "=x", "..", ":", "\xff", "ALL")
	f.Add("a/b", "h\x00", "A", "w\n", "0:0:0", "\x1b[31m", "CAP_CAP_KILL,")
	f.Fuzz(func(t *testing.T, name, hostname, env, workdir, user, arg, capabilities string) {
		o := Options{Name: name, RootSwitch: PivotRoot, Rootfs: "/r", Hostname: hostname, Env: []string{env}, Workdir: workdir, User: user,
			Command: []string{arg}, CapAdd: strings.Split(capabilities, ",")}
		if err := o.Check(); err != nil {
			checkRefusal(t, err)
			return
		}
		config, err := New(o, Root{Path: "/r", Mountpoint: "/m"}, Caller{})
		if err != nil {
			t.Fatalf("checked, and refused then: %v", err)
		}
		document, err := Encode(config)
		if err != nil {
			t.Fatal(err)
		}
		got := new(specs.Spec)
		if err := json.Unmarshal(document, got); err != nil {
			t.Fatal(err)
		}
		config.Root, config.Mounts = asBundle(config)
		if !reflect.DeepEqual(got, config) {
			t.Errorf("it is written as\n%s\nwhich is not\n%+v", document, config)
		}
		for _, text := range append(append(got.Process.Env, got.Process.Args...), got.Process.Cwd, got.Hostname, got.Process.User.Username) {
			if strings.ContainsRune(text, 0) {
				t.Errorf("%q is no C string", text)
			}
		}
	})
}
