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
	newChain         = subsystem | 3
	newRule          = subsystem | 6

	protoIPv4    = 2 // NFPROTO_IPV4
	postRouting  = 4 // NF_INET_POST_ROUTING
	sourceNAT    = 100
	registerOne  = 1
	ipv4Source   = 12 // offset of the source address in an IPv4 header
	atNetwork    = 1  // NFT_PAYLOAD_NETWORK_HEADER
	metaOIFName  = 7
	cmpEqual     = 0
	cmpNotEqual  = 1
	expressions  = 4 // NFTA_RULE_EXPRESSIONS
	listElement  = 1
	expressionIs = 1 // NFTA_EXPR_NAME
	expressionOf = 2 // NFTA_EXPR_DATA
)

// Masquerade makes a table with one rule, in nft(8)'s words
//
//	table ip TABLE { chain postrouting { type nat hook postrouting priority srcnat;
//		ip saddr SOURCE oifname != BRIDGE masquerade } }
//
// so that what leaves the host from the network behind the bridge bears the
// host's address, and answers find back. source is a /8, /16 or /24. A table
// that exists is EEXIST, and stays as it is.
func Masquerade(table, bridge string, source Prefix) error {
	chain := netfilter(newChain, create&^syscall.NLM_F_EXCL)
	chain.add(1, name(table)).add(3, name("postrouting"))
	chain.nest(4|nested, func() { chain.add(1, big(postRouting)).add(2, big(sourceNAT)) })
	chain.add(7, name("nat"))
	return change(3, netfilter(newTable, create).add(1, name(table)), chain, masqueradeRule(table, bridge, source))
}

func masqueradeRule(table, bridge string, source Prefix) *message {
	rule := netfilter(newRule, create&^syscall.NLM_F_EXCL|syscall.NLM_F_APPEND)
	rule.add(1, name(table)).add(2, name("postrouting"))
	expression := func(is string, of func()) {
		rule.nest(listElement|nested, func() {
			rule.add(expressionIs, name(is))
			if of != nil {
				rule.nest(expressionOf|nested, of)
			}
		})
	}
	compare := func(how uint32, with []byte) {
		expression("cmp", func() {
			rule.add(1, big(registerOne)).add(2, big(how))
			rule.nest(3|nested, func() { rule.add(1, with) })
		})
	}
	bytes := source.Bits / 8
	network := source.Masked().Address
	var outside [syscall.IFNAMSIZ]byte
	copy(outside[:], bridge)
	rule.nest(expressions|nested, func() {
		expression("payload", func() {
			rule.add(1, big(registerOne)).add(2, big(atNetwork)).add(3, big(ipv4Source)).add(4, big(uint32(bytes)))
		})
		compare(cmpEqual, network[:bytes])
		expression("meta", func() { rule.add(2, big(metaOIFName)).add(1, big(registerOne)) })
		compare(cmpNotEqual, outside[:])
		expression("masq", nil)
	})
	return rule
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
