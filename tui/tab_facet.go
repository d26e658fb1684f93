package tui

import (
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/inspect"
)

// facetTab is an inspection view as a tab.
type facetTab struct {
	in *inspection
}

// newFacetTabs lists the inspection views, in the order of their keys.
func newFacetTabs(t theme) []tab {
	observer := inspect.New()
	var tabs []tab
	for _, f := range facets() {
		tabs = append(tabs, &facetTab{newInspection(t, observer, f)})
	}
	return tabs
}

// facets are the inspection views.
func facets() []facet {
	return []facet{
		overviewFacet(), processesFacet(), mountsFacet(), filesFacet(), networkFacet(),
		ipcFacet(), usersFacet(), limitsFacet(), environmentFacet(),
	}
}

func (t *facetTab) title() string { return t.in.facet.name }
func (t *facetTab) key() string   { return t.in.facet.shortcut }

func (t *facetTab) show(s *subject) tea.Cmd { return t.in.show(whoIs(s)) }

// leave is called when another tab, or a screen, is opened.
func (t *facetTab) leave() { t.in.hide() }

// focus tells whether the keys go to the tab.
func (t *facetTab) focus(has bool) { t.in.page.focused = has }

func (t *facetTab) asked() errand { return t.in.asked() }

// click selects the line at a row of the view.
func (t *facetTab) click(row int) { t.in.page.list.click(row) }

func (*facetTab) update(tea.Msg) tea.Cmd { return nil }

func (t *facetTab) press(key tea.KeyPressMsg) (tea.Cmd, bool) { return t.in.press(key) }

func (t *facetTab) wheel(lines int) { t.in.page.scroll(lines) }

func (t *facetTab) hints() []hint { return t.in.hints() }

func (t *facetTab) view(w, h int) tabView { return t.in.view(w, h) }
