package kernel

import "syscall"

// Arguments of keyctl(2).
const (
	SYS_KEYCTL                  = syscall.SYS_KEYCTL
	KEYCTL_JOIN_SESSION_KEYRING = 1

	keyctlGetKeyringID = 0           // KEYCTL_GET_KEYRING_ID
	keySpecSession     = ^uintptr(2) // KEY_SPEC_SESSION_KEYRING, -3
)

// HasKeyrings tells whether the kernel keeps keys.
func HasKeyrings() bool {
	_, _, errno := syscall.RawSyscall(SYS_KEYCTL, keyctlGetKeyringID, keySpecSession, 0)
	return errno != syscall.ENOSYS
}

// JoinSessionKeyring gives this thread a new, empty session keyring; see
// keyctl_join_session_keyring(3).
func JoinSessionKeyring() error {
	_, _, errno := syscall.RawSyscall(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 0, 0)
	return errnoErr(errno)
}
