package terminal

// Limits that keep a hostile program from growing the interned tables.
const (
	maxClusterBytes = 64   // longest grapheme cluster kept; more marks are dropped
	maxLinkBytes    = 2083 // longest hyperlink address kept
	maxExtras       = 1<<16 - 1
	maxExtraBytes   = 1 << 20
)

// pool holds what does not fit into a cell.
type pool struct {
	clusters clusters
	extras   extras
}

// newPool returns a pool with room for a number of clusters.
func newPool(limit int) *pool {
	return &pool{clusters: clusters{limit: limit}}
}

// clusters interns grapheme clusters of more than one code point.
type clusters struct {
	text  []string
	index map[string]glyph
	limit int // collect when text has grown to this
}

// intern returns the glyph of a cluster; false when the table is full.
func (t *clusters) intern(b []byte) (glyph, bool) {
	if g, ok := t.index[string(b)]; ok {
		return g, true
	}
	if len(t.text) >= t.limit || len(t.text) >= int(glyphMask) {
		return 0, false
	}
	if t.index == nil {
		t.index = make(map[string]glyph)
	}
	g := glyph(len(t.text)) | glyphCluster
	s := string(b)
	t.text = append(t.text, s)
	t.index[s] = g
	return g, true
}

// extra is the rare part of a style.
type extra struct {
	underline colour
	uri, id   string // OSC 8 hyperlink
}

// extras interns the rare parts of styles. Entry 0 is the zero extra.
type extras struct {
	list  []extra
	index map[extra]extID
	bytes int
	deaf  int // requests to refuse before the next collection, when nearly all entries were in use
}

func (t *extras) get(id extID) extra {
	if id == 0 {
		return extra{}
	}
	return t.list[id]
}

// intern returns the id of e, or false when the table is full.
func (t *extras) intern(e extra) (extID, bool) {
	if e == (extra{}) {
		return 0, true
	}
	if id, ok := t.index[e]; ok {
		return id, true
	}
	if t.full() {
		return 0, false
	}
	return t.add(e), true
}

func (t *extras) full() bool {
	return len(t.list) >= maxExtras || t.bytes >= maxExtraBytes
}

func (t *extras) add(e extra) extID {
	if t.index == nil {
		t.index = make(map[extra]extID)
		t.list = append(t.list, extra{})
	}
	id := extID(len(t.list))
	t.list = append(t.list, e)
	t.index[e] = id
	t.bytes += len(e.uri) + len(e.id)
	return id
}
