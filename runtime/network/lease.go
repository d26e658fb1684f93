package network

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Lease is what one sandbox has of the network that the sandboxes of one state
// directory share.
type Lease struct {
	Bridge  string `json:"bridge"`  // the host's end of all; also the name of the nf_tables table
	Link    string `json:"link"`    // the host's end of the sandbox's veth pair
	Address Prefix `json:"address"` // the sandbox's, with the network's length
	Gateway Prefix `json:"gateway"` // the bridge's
}

// pool is a directory of leases, one symlink for each: named as the address's
// last number, pointing to the sandbox's id. One beside them points to the
// network they are from: a symlink is there whole or not at all. All are gone
// when nobody has a lease.
type pool struct{ dir string }

const (
	lockFile    = "lock"
	networkLink = "network"
	first, last = 2, 254 // numbers of sandboxes in the /24; the bridge is 1
)

// Take leases an address to the sandbox id, and chooses the network with the
// first lease. alive tells whether a sandbox still exists: the lease of one
// that does not is free.
func Take(dir, id string, alive func(id string) bool) (Lease, error) {
	p := pool{dir}
	unlock, err := p.lock()
	if err != nil {
		return Lease{}, err
	}
	defer unlock()
	network, err := p.network()
	if err != nil {
		return Lease{}, err
	}
	for number := first; number <= last; number++ {
		path := p.path(number)
		if holder, err := os.Readlink(path); err == nil && !alive(holder) {
			Delete(p.lease(network, number).Link) // best effort: it goes with its namespace
			os.Remove(path)
		}
		err := os.Symlink(id, path)
		if err == nil {
			return p.lease(network, number), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return Lease{}, err
		}
	}
	return Lease{}, full(network)
}

// Preview is the lease that Take would give next, taking nothing.
func Preview(dir string) (Lease, error) {
	p := pool{dir}
	network, err := p.read()
	if errors.Is(err, fs.ErrNotExist) {
		network, err = p.choose()
	}
	if err != nil {
		return Lease{}, err
	}
	for number := first; number <= last; number++ {
		if _, err := os.Readlink(p.path(number)); err != nil {
			return p.lease(network, number), nil
		}
	}
	return Lease{}, full(network)
}

func full(network Prefix) error {
	return fmt.Errorf("all %d addresses of %s are taken", last-first+1, network)
}

// Release ends the lease of the sandbox id, removes its link, and with the
// last lease the bridge and its table. A sandbox without a lease is no error;
// had tells whether it had one.
func Release(dir, id string) (had bool, err error) {
	p := pool{dir}
	if _, err := os.Stat(p.dir); errors.Is(err, fs.ErrNotExist) {
		return false, nil // never a lease: do not make the directory
	}
	unlock, err := p.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	network, err := p.read()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	had, others, err := p.free(network, id)
	if err == nil && !others {
		err = p.dismantle()
	}
	return had, err
}

// free removes what the sandbox id has, and tells whether that was anything,
// and whether others have leases.
func (p pool) free(network Prefix, id string) (had, others bool, err error) {
	for number := first; number <= last; number++ {
		holder, err := os.Readlink(p.path(number))
		switch {
		case err != nil:
		case holder != id:
			others = true
		default:
			had = true
			if err := gone(Delete(p.lease(network, number).Link)); err != nil {
				return had, others, fmt.Errorf("delete link %s: %w", p.lease(network, number).Link, err)
			}
			if err := os.Remove(p.path(number)); err != nil {
				return had, others, err
			}
		}
	}
	return had, others, nil
}

// dismantle removes what the sandboxes shared.
func (p pool) dismantle() error {
	if err := gone(Delete(p.bridge())); err != nil {
		return fmt.Errorf("delete bridge %s: %w", p.bridge(), err)
	}
	if err := gone(DeleteTable(p.bridge())); err != nil {
		return fmt.Errorf("delete table %s: %w", p.bridge(), err)
	}
	return os.Remove(p.dir + "/" + networkLink)
}

// gone is err, but for what was not there to be removed.
func gone(err error) error {
	if err == syscall.ENODEV || err == syscall.ENOENT {
		return nil
	}
	return err
}

func (p pool) path(number int) string { return p.dir + "/" + strconv.Itoa(number) }

// lease names what belongs to one number. An interface's name has 15 bytes at
// most, and must be nobody else's on the host.
func (p pool) lease(network Prefix, number int) Lease {
	return Lease{
		Bridge: p.bridge(), Link: fmt.Sprintf("v%08x.%d", p.hash(), number),
		Address: numbered(network, number), Gateway: numbered(network, 1),
	}
}

func numbered(network Prefix, number int) Prefix {
	network.Address[3] = byte(number)
	return network
}

// bridge is a name of its own for every state directory.
func (p pool) bridge() string { return fmt.Sprintf("aq-%08x", p.hash()) }

func (p pool) hash() uint32 {
	h := fnv.New32a()
	h.Write([]byte(p.dir))
	return h.Sum32()
}

// network is the one that leases are from, chosen when there is none yet.
func (p pool) network() (Prefix, error) {
	network, err := p.read()
	if !errors.Is(err, fs.ErrNotExist) {
		return network, err
	}
	network, err = p.choose()
	if err != nil {
		return network, err
	}
	return network, os.Symlink(network.String(), p.dir+"/"+networkLink)
}

func (p pool) choose() (Prefix, error) {
	routes, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return Prefix{}, err
	}
	return choose(p.hash(), string(routes))
}

func (p pool) read() (Prefix, error) {
	text, err := os.Readlink(p.dir + "/" + networkLink)
	if err != nil {
		return Prefix{}, err
	}
	var network Prefix
	if network.UnmarshalText([]byte(text)) != nil || network.Bits != 24 {
		return network, fmt.Errorf("read %s/%s: not a /24", p.dir, networkLink)
	}
	return network, nil
}

// choose takes a /24 of 10.101.0.0/16 that no route of the host leads to.
// Which is tried first depends on the state directory, so that two that choose
// at the same time choose differently.
func choose(from uint32, routes string) (Prefix, error) {
	taken := destinations(routes)
	for i := range uint32(256) {
		candidate := Prefix{Address{10, 101, byte(from + i), 0}, 24}
		free := true
		for _, t := range taken {
			free = free && !t.Overlaps(candidate)
		}
		if free {
			return candidate, nil
		}
	}
	return Prefix{}, errors.New("every network of 10.101.0.0/16 is in use on this host")
}

// destinations are the networks in /proc/net/route, see proc_net(5), but for
// the default route: columns 2 and 8 are address and mask, as the machine's
// own 32 bit numbers in hexadecimal.
func destinations(routes string) []Prefix {
	var list []Prefix
	for line := range strings.Lines(routes) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		address, badAddress := strconv.ParseUint(fields[1], 16, 32)
		mask, badMask := strconv.ParseUint(fields[7], 16, 32)
		if badAddress != nil || badMask != nil || mask == 0 {
			continue
		}
		ones := 0
		for ; mask != 0; mask &= mask - 1 {
			ones++
		}
		list = append(list, Prefix{Address(native(uint32(address))), ones})
	}
	return list
}

// lock keeps others from the pool until unlock; see flock(2).
func (p pool) lock() (unlock func(), err error) {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(p.dir+"/"+lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
