package sandbox

import (
	"errors"
	"path/filepath"
	"strconv"

	"aquarium/rootfs"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/userns"
)

// Plan is what Launch would do, without doing it.
func (s *Store) Plan(o spec.Options) (step.Plan, error) {
	root, err := s.prepare(&o)
	if err != nil {
		return step.Plan{}, err
	}
	if o.Name == "" {
		o.Name = "NAME"
	}
	var ids userns.Map
	if o.UserNS == spec.UserNSAuto && caller().Privileged {
		if ids, err = s.vacant(); err != nil {
			return step.Plan{}, err
		}
	}
	config, err := spec.New(o, root.describe(s.bundle("ID"), o.Writable), s.callerFor(o, ids))
	if err != nil {
		return step.Plan{}, err
	}
	if err := s.preview(o, config); err != nil {
		return step.Plan{}, err
	}
	if _, err := placeGroups("ID", o, config); err != nil {
		return step.Plan{}, err
	}
	return newPlan(config)
}

// prepare checks the options, completes them from the rootfs, and finds out
// how the root is put together.
func (s *Store) prepare(o *spec.Options) (rootView, error) {
	root, err := s.check(o)
	if err != nil {
		return rootView{}, err
	}
	complete(o, root.Defaults)
	view, err := s.Catalogue.View(root, caller().Privileged)
	r := rootView{Rootfs: root, view: view}
	if err == nil && !o.Writable && root.Kind != rootfs.Host {
		r.refused = s.overlayRefused()
	}
	return r, err
}

func (s *Store) check(o *spec.Options) (rootfs.Rootfs, error) {
	if o.RootSwitch == "" {
		o.RootSwitch = spec.PivotRoot
	}
	if err := o.Check(); err != nil {
		return rootfs.Rootfs{}, err
	}
	root, err := s.Catalogue.Find(o.Rootfs)
	if err != nil {
		return root, err
	}
	if root.Problem != "" && len(o.Command) == 0 {
		return root, &Error{"launch " + rootfs.Visible(root.Name), errors.New(root.Problem), "`aquarium rootfs check` says more"}
	}
	if o.Writable && root.Kind == rootfs.Host {
		return root, &spec.Refusal{What: "launch host: the host's own / is never written", Way: "leave --writable out: the sandbox gets a layer of its own"}
	}
	if _, plain := s.Catalogue.Plain(root); o.Writable && !plain {
		return root, &spec.Refusal{What: "launch " + rootfs.Visible(root.Name) + ": it is made of layers, which are never written", Way: "leave --writable out: the sandbox gets a layer of its own, which `aquarium rootfs commit` keeps"}
	}
	if o.Init && dynamic() {
		return root, &spec.Refusal{What: "init: this build of aquarium needs libraries, which are not in the sandbox", Way: "build it with CGO_ENABLED=0, or leave --init out"}
	}
	if o.WhatIf && !caller().Privileged {
		return root, &spec.Refusal{What: "what-if: the outer mount namespace of a launch that may go wrong needs root", Way: "run as root, or leave --what-if out"}
	}
	if o.Network == spec.BridgeNetwork && !caller().Privileged {
		return root, &spec.Refusal{What: "network bridge: only root may connect a network namespace to the host's", Way: "run as root, or take --network host or none"}
	}
	return root, checkUserNS(*o, caller().Privileged)
}

func complete(o *spec.Options, d rootfs.Defaults) {
	if len(o.Command) == 0 {
		o.Command = d.Command
	}
	if len(o.Command) == 0 {
		o.Command = []string{"/bin/sh"}
	}
	o.Env = append(append([]string(nil), d.Env...), o.Env...)
	if o.User == "" {
		o.User = d.User
	}
	if o.Workdir == "" {
		o.Workdir = d.Workdir
	}
}

// rootView is a root filesystem and how it is put together.
type rootView struct {
	rootfs.Rootfs
	view    rootfs.View
	refused string // why no overlay can be mounted; "" where it can
}

// describe gives every overlay of the view a layer in the bundle; a written
// rootfs has none, and a copied one is in the bundle itself.
func (r rootView) describe(bundle string, writable bool) spec.Root {
	described := spec.Root{Path: r.Path, Mountpoint: filepath.Join(bundle, "root")}
	if writable {
		return described
	}
	if r.refused != "" {
		described.Path, described.CopiedWhy = filepath.Join(bundle, "copy"), r.refused
		for _, o := range r.view.Overlays {
			described.Copied = append(described.Copied, spec.Overlay{Dest: o.Dest, Lower: o.Lower, Upper: described.Path})
		}
		return described
	}
	for i, o := range r.view.Overlays {
		number := strconv.Itoa(i)
		described.Overlays = append(described.Overlays, spec.Overlay{Dest: o.Dest, Lower: o.Lower,
			Upper: filepath.Join(bundle, "upper"+number), Work: filepath.Join(bundle, "work"+number)})
	}
	return described
}
