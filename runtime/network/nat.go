package network

import (
	"syscall"
)

// Numbers of nf_tables, which package syscall lacks: linux/netfilter/nfnetlink.h
// and linux/netfilter/nf_tables.h.
const (
	netlinkNetfilter = 12
	batchBegin       = 0x10
	batchEnd         = 0x11
	subsystem        = 10 << 8 // NFNL_SUBSYS_NFTABLES, the high byte of a type
	newTable         = subsystem
	delTable         = subsystem | 2
	addRule          = subsystem | 6
	newChain         = subsystem | 3

	protoIPv4       = 2 // NFPROTO_IPV4
	forward         = 2 // NF_INET_FORWARD
	postRouting     = 4 // NF_INET_POST_ROUTING
	sourceNAT       = 100
	registerOne     = 1
	registerVerdict = 0
	verdictDrop     = 0 // NF_DROP
	ctState         = 0 // NFT_CT_STATE, whose bits are
	ctEstablished   = 1 << 1
	ctRelated       = 1 << 2
	ipv4Source      = 12 // offset of the source address in an IPv4 header
	atNetwork       = 1  // NFT_PAYLOAD_NETWORK_HEADER
	metaIIFName     = 6
	metaOIFName     = 7
	cmpEqual        = 0
	cmpNotEqual     = 1
	expressions     = 4 // NFTA_RULE_EXPRESSIONS
	listElement     = 1
	expressionIs    = 1 // NFTA_EXPR_NAME
	expressionOf    = 2 // NFTA_EXPR_DATA
)

// Masquerade makes a table with two rules, in nft(8)'s words
//
//	table ip TABLE {
//		chain postrouting { type nat hook postrouting priority srcnat;
//			ip saddr SOURCE oifname != BRIDGE masquerade }
//		chain forward { type filter hook forward priority filter;
//			oifname BRIDGE iifname != BRIDGE ct state & (established | related) == 0 drop }
//	}
//
// so that what leaves the host from the network behind the bridge bears the
// host's address, and answers find back, but nothing else: a host that passes
// packets on does so for its neighbours too. source is a /8, /16 or /24. A
// table that exists is EEXIST, and stays as it is.
func Masquerade(table, bridge string, source Prefix) error {
	return change(5, netfilter(newTable, create).add(1, name(table)),
		newBaseChain(table, "postrouting", "nat", postRouting, sourceNAT), masqueradeRule(table, bridge, source),
		newBaseChain(table, "forward", "filter", forward, 0), answersOnlyRule(table, bridge))
}

func newBaseChain(table, chain, kind string, hook, priority uint32) *message {
	m := netfilter(newChain, create&^syscall.NLM_F_EXCL)
	m.add(1, name(table)).add(3, name(chain))
	m.nest(4|nested, func() { m.add(1, big(hook)).add(2, big(priority)) })
	return m.add(7, name(kind))
}

func masqueradeRule(table, bridge string, source Prefix) *message {
	bytes := source.Bits / 8
	network := source.Masked().Address
	return newRule(table, "postrouting", func(r rule) {
		r.expression("payload", func() {
			r.add(1, big(registerOne)).add(2, big(atNetwork)).add(3, big(ipv4Source)).add(4, big(uint32(bytes)))
		})
		r.compare(cmpEqual, network[:bytes])
		r.compareName(metaOIFName, cmpNotEqual, bridge)
		r.expression("masq", nil)
	})
}

func answersOnlyRule(table, bridge string) *message {
	return newRule(table, "forward", func(r rule) {
		r.compareName(metaOIFName, cmpEqual, bridge)
		r.compareName(metaIIFName, cmpNotEqual, bridge)
		r.expression("ct", func() { r.add(2, big(ctState)).add(1, big(registerOne)) })
		r.expression("bitwise", func() {
			r.add(1, big(registerOne)).add(2, big(registerOne)).add(3, big(4)) // from, to, length
			r.data(4, native(ctEstablished|ctRelated))
			r.data(5, native(0)) // and nothing flipped
		})
		r.compare(cmpEqual, native(0))
		r.expression("immediate", func() {
			r.add(1, big(registerVerdict))
			r.nest(2|nested, func() {
				r.nest(2|nested, func() { r.add(1, big(verdictDrop)) })
			})
		})
	})
}

// rule is a rule that is being put together.
type rule struct{ *message }

func newRule(table, chain string, of func(rule)) *message {
	r := rule{netfilter(addRule, create&^syscall.NLM_F_EXCL|syscall.NLM_F_APPEND)}
	r.add(1, name(table)).add(2, name(chain))
	r.nest(expressions|nested, func() { of(r) })
	return r.message
}

func (r rule) expression(is string, of func()) {
	r.nest(listElement|nested, func() {
		r.add(expressionIs, name(is))
		if of != nil {
			r.nest(expressionOf|nested, of)
		}
	})
}

// data is a value, as an attribute of an expression.
func (r rule) data(attribute uint16, value []byte) {
	r.nest(attribute|nested, func() { r.add(1, value) })
}

func (r rule) compare(how uint32, with []byte) {
	r.expression("cmp", func() {
		r.add(1, big(registerOne)).add(2, big(how))
		r.data(3, with)
	})
}

// compareName compares the name of an interface.
func (r rule) compareName(which, how uint32, with string) {
	var name [syscall.IFNAMSIZ]byte
	copy(name[:], with)
	r.expression("meta", func() { r.add(2, big(which)).add(1, big(registerOne)) })
	r.compare(how, name[:])
}

// DeleteTable removes a table of Masquerade's. One that is not there is ENOENT.
func DeleteTable(table string) error {
	return change(1, netfilter(delTable, syscall.NLM_F_ACK).add(1, name(table)))
}

// netfilter begins a message with struct nfgenmsg.
func netfilter(kind, flags uint16) *message {
	return newMessage(kind, flags, []byte{protoIPv4, 0, 0, 0})
}

// change sends a batch, which the kernel does as a whole or not at all.
func change(want int, messages ...*message) error {
	c, err := dial(netlinkNetfilter)
	if err != nil {
		return err
	}
	defer c.Close()
	bracket := []byte{0, 0, 0, 10} // AF_UNSPEC, version 0, res_id NFNL_SUBSYS_NFTABLES
	batch := append([]*message{newMessage(batchBegin, 0, bracket)}, messages...)
	return c.do(want, append(batch, newMessage(batchEnd, 0, bracket))...)
}
