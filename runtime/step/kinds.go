package step

import "reflect"

// operations lists every operation once. A saved plan or trace names an
// operation by its Go type, so a type here is never renamed.
var operations = [...]Op{
	(*Outer)(nil), (*Adopt)(nil), (*Cgroup)(nil), (*Clone)(nil), (*Unshare)(nil), (*Hierarchies)(nil),
	(*OpenTree)(nil), (*Setns)(nil), (*MoveMount)(nil), (*OpenDir)(nil), (*Fchdir)(nil),
	(*Mount)(nil), (*Overlay)(nil), (*Umount)(nil), (*Mkdir)(nil), (*BindDevices)(nil), (*MountAttributes)(nil), (*Symlink)(nil), (*Mask)(nil), (*ReadOnly)(nil),
	(*Chdir)(nil), (*Chroot)(nil), (*PivotRoot)(nil),
	(*Console)(nil),
	(*Sethostname)(nil), (*LinkUp)(nil),
	(*Bridge)(nil), (*Forward)(nil), (*Masquerade)(nil), (*Veth)(nil), (*Address)(nil), (*Gateway)(nil),
	(*OOMScore)(nil), (*Sysctl)(nil), (*Umask)(nil), (*Bounding)(nil), (*KeepCapabilities)(nil), (*Capabilities)(nil), (*Rlimits)(nil), (*User)(nil), (*Keyring)(nil), (*NoNewPrivs)(nil), (*Seccomp)(nil),
	(*Workdir)(nil), (*Exec)(nil), (*Reap)(nil),
}

// kindOf names an operation's type; ok is false for one that is not listed.
func kindOf(op Op) (name string, ok bool) {
	for _, known := range operations {
		if reflect.TypeOf(known) == reflect.TypeOf(op) {
			return reflect.TypeOf(op).Elem().Name(), true
		}
	}
	return "", false
}

// newOp returns an empty operation of the named kind.
func newOp(kind string) (op Op, ok bool) {
	for _, known := range operations {
		if t := reflect.TypeOf(known).Elem(); t.Name() == kind {
			return reflect.New(t).Interface().(Op), true
		}
	}
	return nil, false
}
