package network

import (
	"errors"
	"strconv"
	"strings"
)

// Address is an IPv4 address, written 10.101.3.2. It does the little that is
// needed of net/netip, which package reexec cannot afford: Go initialises it
// late, after most other packages of the program, in every init and supervisor.
type Address [4]byte

// Prefix is an address and the network it is in, by the length of the common
// start in bits; written 10.101.3.2/24.
type Prefix struct {
	Address Address
	Bits    int // 0 to 32
}

// errAddress is text that is no address or prefix as this package writes them.
var errAddress = errors.New("not an IPv4 address")

func (a Address) String() string {
	text := make([]byte, 0, len("255.255.255.255"))
	for i, b := range a {
		if i > 0 {
			text = append(text, '.')
		}
		text = strconv.AppendUint(text, uint64(b), 10)
	}
	return string(text)
}

// MarshalText writes the address as String does.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads four decimal numbers without leading zeros.
func (a *Address) UnmarshalText(text []byte) error {
	numbers := strings.Split(string(text), ".")
	if len(numbers) != len(a) {
		return errAddress
	}
	for i, number := range numbers {
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil || strconv.FormatUint(n, 10) != number {
			return errAddress
		}
		a[i] = byte(n)
	}
	return nil
}

func (p Prefix) String() string { return p.Address.String() + "/" + strconv.Itoa(p.Bits) }

// MarshalText writes the prefix as String does.
func (p Prefix) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads an address, a slash, and the number of bits.
func (p *Prefix) UnmarshalText(text []byte) error {
	address, length, _ := strings.Cut(string(text), "/")
	bits, err := strconv.Atoi(length)
	if err != nil || bits < 0 || bits > 32 || strconv.Itoa(bits) != length {
		return errAddress
	}
	p.Bits = bits
	return p.Address.UnmarshalText([]byte(address))
}

// Masked is the network alone: the bits behind it are 0.
func (p Prefix) Masked() Prefix {
	for i := range p.Address {
		p.Address[i] &= byte(0xff) << (8 - min(8, max(0, p.Bits-8*i)))
	}
	return p
}

// Overlaps tells whether two networks have an address in common.
func (p Prefix) Overlaps(other Prefix) bool {
	bits := min(p.Bits, other.Bits)
	return Prefix{p.Address, bits}.Masked() == Prefix{other.Address, bits}.Masked()
}
