package network

import (
	"net/netip"
	"testing"
)

// FuzzPrefix compares with net/netip: the same texts are prefixes of IPv4, and
// they mean the same.
func FuzzPrefix(f *testing.F) {
	for _, text := range []string{"10.101.3.2/24", "0.0.0.0/0", "255.255.255.255/32", "10.0.0.1/9", "1.2.3/8", "1.2.3.4", "1.2.3.4/33", "01.2.3.4/8", "1.2.3.4/08", "::/0", "1.2.3.4.5/6", "1..2.3/4", "", "/", "256.0.0.0/8", "+1.2.3.4/8", "1.2.3.4/+8", "::ffff:1.2.3.4/120"} {
		f.Add(text, "10.101.3.0/24")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		p, known := parsed(t, text)
		q, knownOther := parsed(t, other)
		if known == nil || knownOther == nil {
			return
		}
		if p.Masked().String() != known.Masked().String() {
			t.Errorf("%s is in %s, not in %s", text, known.Masked(), p.Masked())
		}
		if p.Overlaps(q) != known.Overlaps(*knownOther) {
			t.Errorf("%s overlaps %s: %t", text, other, p.Overlaps(q))
		}
	})
}

// parsed reads a prefix with both; nil where it is none for both.
func parsed(t *testing.T, text string) (Prefix, *netip.Prefix) {
	t.Helper()
	var p Prefix
	err := p.UnmarshalText([]byte(text))
	known, knownErr := netip.ParsePrefix(text)
	if knownErr == nil && !known.Addr().Is4() {
		knownErr = errAddress
	}
	if (err == nil) != (knownErr == nil) {
		t.Fatalf("%q: %v, net/netip says %v", text, err, knownErr)
	}
	if err != nil {
		return Prefix{}, nil
	}
	if p.String() != known.String() {
		t.Errorf("%q is written %s", text, p)
	}
	return p, &known
}
