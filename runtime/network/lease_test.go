package network

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func everybody(string) bool { return true }

// TestLeases takes and releases; without root there is no link to delete, and
// asking for one is no error.
func TestLeases(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("deleting a table needs root")
	}
	dir := filepath.Join(t.TempDir(), "network")
	if _, err := Release(dir, "a"); err != nil {
		t.Errorf("release without a pool: %v", err)
	}
	var taken []Lease
	for _, id := range []string{"a", "b", "c"} {
		lease, err := Take(dir, id, everybody)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, lease)
		if id == "a" {
			continue
		}
		if next, err := Preview(dir); err != nil || next.Address.Address[3] != lease.Address.Address[3]+1 {
			t.Errorf("after %+v comes %+v, %v", lease, next, err)
		}
	}
	if taken[0].Address == taken[1].Address || taken[0].Link == taken[1].Link || taken[0].Bridge != taken[1].Bridge || taken[0].Gateway != taken[2].Gateway {
		t.Errorf("leases: %+v", taken)
	}
	if _, err := Release(dir, "b"); err != nil {
		t.Fatal(err)
	}
	again, err := Take(dir, "d", everybody)
	if err != nil || again != taken[1] {
		t.Errorf("what was released is %+v, %v, not %+v", again, err, taken[1])
	}
	dead, err := Take(dir, "e", func(id string) bool { return id != "a" })
	if err != nil || dead != taken[0] {
		t.Errorf("a dead sandbox's is %+v, %v, not %+v", dead, err, taken[0])
	}
	for _, id := range []string{"c", "d", "e", "e"} {
		if _, err := Release(dir, id); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 {
		t.Errorf("after the last lease there is %v", left)
	}
}

func TestEveryAddressTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range last - first + 1 {
		if _, err := Take(dir, "x", everybody); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Take(dir, "y", everybody); err == nil || !strings.Contains(err.Error(), "are taken") {
		t.Errorf("one more: %v", err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	for _, c := range []struct{ name, routes, want string }{
		{"nothing", "", "10.101.7.0/24"},
		{"default route", head + "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", "10.101.7.0/24"},
		{"taken", head + "br0\t0007650A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "10.101.8.0/24"},
		{"a host in it", head + "br0\t0907650A\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n", "10.101.8.0/24"},
		{"garbage", "br0 x y z\nbr0 0007650A 1 1 1 1 1 zz\n", "10.101.7.0/24"},
	} {
		got, err := choose(7, c.routes)
		if err != nil || got.String() != c.want {
			t.Errorf("%s: %s, %v, not %s", c.name, got, err, c.want)
		}
	}
	if got, err := choose(7, head+"br0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"); err == nil {
		t.Errorf("all of 10/8 taken: %s", got)
	}
}

func FuzzDestinations(f *testing.F) {
	f.Add("br0\t0007650A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")
	f.Fuzz(func(t *testing.T, routes string) {
		for _, p := range destinations(routes) {
			if p.Bits < 1 || p.Bits > 32 {
				t.Errorf("%q gives %v", routes, p)
			}
		}
	})
}

// FuzzPool has the pool's directory hold anything: what is leased is of the
// network that stands there, and whatever else stands there stays.
func FuzzPool(f *testing.F) {
	f.Add("10.101.7.0/24", "2", "x", uint8(2))
	f.Add("10.101.7.0/25", "3", "../../etc", uint8(0))
	f.Add("::/24", "255", "", uint8(200))
	f.Add("0.0.0.0/24", "254", "a\nb", uint8(3))
	f.Add("10.101.7.9/24", "1", "/", uint8(1))
	f.Fuzz(func(t *testing.T, network, file, holder string, leased uint8) {
		above := t.TempDir()
		dir := filepath.Join(above, "network")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		os.Symlink(network, filepath.Join(dir, networkLink))
		if !strings.Contains(file, "/") && file != lockFile { // which is opened, wherever it leads
			os.Symlink(holder, filepath.Join(dir, file))
		}
		for number := first; number < first+int(leased); number++ {
			os.Symlink("other", filepath.Join(dir, strconv.Itoa(number)))
		}
		before, _ := os.ReadDir(dir)
		next, nextErr := Preview(dir)
		lease, err := Take(dir, "id", everybody)
		if err != nil {
			if lease != (Lease{}) {
				t.Errorf("%v, and yet there is %+v", err, lease)
			}
			return
		}
		if nextErr != nil || next != lease {
			t.Errorf("announced was %+v, %v, and leased %+v", next, nextErr, lease)
		}
		a, g := lease.Address, lease.Gateway
		if a.Bits != 24 || g.Bits != 24 || [3]byte(a.Address[:]) != [3]byte(g.Address[:]) || a.Address[3] < first || a.Address[3] > last || g.Address[3] != 1 {
			t.Errorf("%q leases %+v", network, lease)
		}
		if len(lease.Bridge) > 15 || len(lease.Link) > 15 {
			t.Errorf("no names of interfaces: %+v", lease)
		}
		after, _ := os.ReadDir(dir)
		if outside, _ := os.ReadDir(above); len(outside) != 1 || len(after) > len(before)+3 { // a lock, the network, a lease
			t.Errorf("there is %v beside the pool, and %v in it", outside, after)
		}
	})
}
