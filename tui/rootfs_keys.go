package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

// askRemoveRootfs deletes the selected root filesystem, once that is wanted.
func (m *root) askRemoveRootfs() tea.Cmd {
	r, _ := m.trees.selected()
	if r.Kind != rootfs.Stored {
		return m.removeRootfs(r) // which says why it is not done
	}
	m.open(&confirmDialog{
		heading:  "Remove the root filesystem " + visible(r.Name) + "?",
		question: "It is deleted, with the layers that only it has.",
		yes: errand(func(m *root) tea.Cmd {
			m.closeDialog()
			m.notice = "Removing " + visible(r.Name) + m.theme.ellipsis
			return m.removeRootfs(r)
		}),
	})
	return nil
}

func (m *root) removeRootfs(r rootfs.Rootfs) tea.Cmd {
	store := m.store
	return request(visible(r.Name)+" is removed", func(context.Context) error { return store.Catalogue.Remove(r.Name, store.Users) })
}

// prune clears away what nothing needs.
func (m *root) prune() tea.Cmd {
	c := m.store.Catalogue
	m.notice = "Pruning" + m.theme.ellipsis
	return func() tea.Msg {
		p, err := c.Prune()
		notice := "There is no layer that nothing needs"
		if p.Layers > 0 {
			notice = plural(p.Layers, "%d layer", "%d layers") + " that nothing needed: " + rootfs.BytesText(p.Bytes) + " freed"
		}
		if p.Interrupted > 0 {
			notice += "; " + plural(p.Interrupted, "%d interrupted import is cleared", "%d interrupted imports are cleared")
		}
		return requestDone{notice, err}
	}
}

// askDiscard throws away what the selected sandbox has written.
func (m *root) askDiscard() tea.Cmd {
	sb := m.work.subject.Sandbox
	if sb.Status != supervisor.Stopped {
		m.fail(&sandbox.Error{What: "discard the changes of " + sb.Name, Err: fmt.Errorf("it is %s", sb.Status), Way: "s stops it; d removes it with all it has written"})
		return nil
	}
	m.open(&confirmDialog{
		heading:  "Discard the changes of " + visible(sb.Name) + "?",
		question: "All that it has written is deleted. Its record and its output stay.",
		yes: errand(func(m *root) tea.Cmd {
			m.closeDialog()
			return request("The changes of "+visible(sb.Name)+" are gone", func(context.Context) error { return sb.Discard() })
		}),
	})
	return nil
}

// openChanges shows what the selected sandbox has written, in the Files view.
func (m *root) openChanges() tea.Cmd {
	open, _ := m.work.openKey(filesFacet().shortcut)
	var changes tea.Cmd
	if t, ok := m.work.tab().(*facetTab); ok {
		changes = t.in.goTo(placeChanges)
	}
	return tea.Batch(open, changes, m.focusOn(panelWork))
}

// canChange tells whether the keys are for a sandbox, whose changes can be
// looked at.
func canChange(m *root) bool { return m.focus != panelRootfs && hasSandbox(m) }
